"""Kinds: what can be calculated, and what each wants to know."""

from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from calc import execute
from calc.errors import UnknownKind
from gateway import answers, queries
from gateway.problems import unknown_kind


class KindLinks(Struct, frozen=True):
    """Where the whole of a kind stands."""

    self: str


class KindSummary(Struct, frozen=True, kw_only=True):
    """A kind as it stands in the list."""

    kind: str
    version: int
    summary: str
    aliases: list[str]
    example: dict[str, Any]
    links: KindLinks


class KindAnswer(KindSummary, frozen=True, kw_only=True):
    """A kind with the JSON Schema of its data: every field with unit, bounds and default."""

    schema: dict[str, Any]


class KindList(Struct, frozen=True):
    """All kinds, by name."""

    kinds: list[KindSummary]


async def index(request: Request) -> Response:
    """GET /kinds: every kind, with an example that works as it stands."""
    queries.only(request, ())
    return answers.body(KindList([KindSummary(**_told(name)) for name in sorted(execute.kinds())]))


async def look(request: Request) -> Response:
    """GET /kinds/{kind}: by name or alias."""
    queries.only(request, ())
    try:
        name = execute.find(request.path_params["kind"]).NAME
    except UnknownKind as wrong:
        raise unknown_kind(wrong, "kind_not_found") from None
    return answers.body(KindAnswer(**_told(name), schema=execute.schema(name)))


ROUTES = [("/kinds", index), ("/kinds/{kind}", look)]


def _told(name: str) -> dict[str, Any]:
    kind = execute.find(name)
    return {
        "kind": name,
        "version": kind.VERSION,
        "summary": kind.SUMMARY,
        "aliases": list(kind.ALIASES),
        "example": kind.EXAMPLE,
        "links": KindLinks(f"/kinds/{name}"),
    }
