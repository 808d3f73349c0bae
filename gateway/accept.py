"""In which form a result is told: JSON, or MessagePack with the same numbers, as the header `Accept` asks (RFC 9110).

Of the forms that are allowed the one with the highest weight is taken, of equal ones the first that we offer. Errors,
and a task that is told where there is no result yet, are JSON whatever is asked.
"""

import re

import msgspec
from starlette.requests import Request

from gateway import headers
from gateway.etags import BY_FORM
from gateway.problems import Problem

JSON, MSGPACK = "application/json", "application/msgpack"
OFFERED = (JSON, MSGPACK, "application/vnd.msgpack", "application/x-msgpack")  # the last two are other names of MSGPACK
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def chosen(request: Request) -> str:
    """The media type that is wanted most. Raises a Problem when none that we have may be sent."""
    sent = ",".join(headers.every(request, "accept"))
    if not sent.strip():
        return JSON
    weights = _weights(sent)
    best = max(OFFERED, key=lambda offered: _weight(weights, offered))
    if _weight(weights, best) > 0:
        return best
    raise _nothing(f"Accept is {sent[:100]!r}; a result is told as {JSON} or {MSGPACK}.")


def encoded(result: bytes, media_type: str) -> bytes:
    """A result, which is JSON, in this form: the same texts, integers and doubles. Raises a Problem."""
    if media_type == JSON:
        return result
    try:
        return msgspec.msgpack.encode(msgspec.json.decode(result))
    except OverflowError:
        raise _nothing(f"The result has an integer of more than 64 bits, which only {JSON} can say.") from None


def _weights(sent: str) -> dict[str, float]:
    """Media range → its weight. What is none, or has a weight that is none, is not there."""
    found: dict[str, float] = {}
    for each in sent.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in each.split(";"))
        weight = next((text[2:].strip() for text in parameters if text.startswith("q=")), "1")
        if _WEIGHT.fullmatch(weight):
            found[media_range] = float(weight)
    return found


def _weight(weights: dict[str, float], offered: str) -> float:
    """That of the narrowest range that it is in; 0 for none."""
    ranges = (offered, offered.partition("/")[0] + "/*", "*/*")
    return next((weights[each] for each in ranges if each in weights), 0.0)


def _nothing(detail: str) -> Problem:
    return Problem("not_acceptable", detail, headers=BY_FORM)
