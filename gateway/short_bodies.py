"""Bodies that say a few words: a reason, a number that was expected, a key.

They are read as strictly as a submission, and an answer names every field that is wrong.
"""

from typing import Annotated, TypeVar

from msgspec import Meta, Struct
from starlette.requests import Request

from calc.decode import decode
from calc.errors import InvalidData
from gateway import bodies
from gateway.problems import invalid

T = TypeVar("T", bound=Struct)
MOST = 10_000  # bytes
LONGEST_REASON = 200  # characters

Reason = Annotated[str, Meta(max_length=LONGEST_REASON, description="Why, for whoever wonders.")]


class Cancel(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a cancel, which may be left out."""

    reason: Reason = ""


async def read(request: Request, shape: type[T]) -> T:
    """The body as this type. Raises a Problem."""
    return _decoded(await bodies.read(request, MOST), shape)


async def reason(request: Request) -> str:
    """Why something is given up; "" where the body is empty, whatever that is declared to be. Raises a Problem."""
    body = await bodies.arrived(request, MOST)
    if not body:
        return ""
    bodies.check_type(request, (bodies.JSON,))
    return _decoded(body, Cancel).reason


def _decoded(body: bytes, shape: type[T]) -> T:
    try:
        return decode(shape, body, "$")
    except InvalidData as wrong:
        raise invalid(wrong.faults, "invalid_request") from None
