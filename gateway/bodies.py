"""What a submission may say: its bytes, its envelope, its headers.

The envelope is decoded with `data` left as it is, byte for byte: what `data` means is the kind's to say.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import NODEFAULT, Meta, Raw, Struct, field
from starlette.requests import Request

from calc import DEFAULT_KIND, execute
from calc.decode import decode
from calc.errors import CalcError, Fault, InvalidData, UnknownKind
from gateway import headers
from gateway.answers import EPOCH
from gateway.problems import Problem, invalid
from pipeline.receiver import LONGEST
from pipeline.record import Priority
from pipeline.settings import Settings

JSON, NDJSON = "application/json", "application/x-ndjson"
LATEST_S = 30 * 86_400  # the furthest a task can be put off
LONG = 10_000  # bytes of data, longer than all other fields together: it can stand nowhere else in a body

TimeLimit = Annotated[float, Meta(gt=0, le=3_600, description="Seconds that one job of this task may run.")]
ResultTTL = Annotated[int, Meta(ge=1, le=604_800, description="Seconds that the record is kept after the task's end.")]
Delay = Annotated[float, Meta(ge=0, le=LATEST_S, description="Start no sooner than this many seconds from now.")]
RunAt = Annotated[
    str,
    Meta(
        max_length=40,
        description="Start no sooner than this time: RFC 3339, with its zone; at most 30 days ahead.",
        extra_json_schema={"format": "date-time"},
    ),
]
Deadline = Annotated[
    float,
    Meta(
        gt=0,
        le=LATEST_S,
        description="Seconds from now. Then the estimate of the parts done is the result, or the task fails.",
    ),
]
Metadata = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=500)]],
    Meta(max_length=16, description="Texts of your own that come back with the task; they mean nothing to us."),
]
CustomId = Annotated[str, Meta(min_length=1, max_length=100, description="Your own name for a task within its batch.")]
Label = Annotated[str, Meta(max_length=200, description="A name of your own for lists; means nothing to us.")]


Cache = Annotated[
    Literal["use", "off"],
    Meta(description="`use`: answered by the task of the same kind, version and data, where that said `use` too."),
]
Webhook = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST,
        description="Who is told when it has ended: an https URL. Signed with the owner's secret (docs/webhooks.md).",
        extra_json_schema={"format": "uri"},
    ),
]
_ZonedTime = Annotated[datetime, Meta(tz=True)]


class Envelope(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of POST /tasks. None: the setting of this deployment."""

    data: Raw
    kind: str = DEFAULT_KIND
    priority: Priority = "medium"
    label: Label = ""
    time_limit_s: TimeLimit | None = None
    result_ttl_s: ResultTTL | None = None
    delay_s: Delay | None = None
    run_at: RunAt | None = None
    deadline_s: Deadline | None = None
    metadata: Metadata = {}
    cache: Cache | None = None
    webhook: Webhook | None = None


class Line(Envelope, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A task of a batch."""

    custom_id: CustomId | None = None


E = TypeVar("E", bound=Envelope)


def length(request: Request, limit: int) -> int:
    """How many bytes the body will have: as declared, or at worst the limit. A Problem when that is too many."""
    declared = headers.first(request, "content-length")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    return int(declared) if declared.isdecimal() else limit * bool(headers.every(request, "transfer-encoding"))


async def read(request: Request, limit: int, types: Sequence[str] = (JSON,)) -> bytes:
    """The body, or a Problem: too large (noticed while it arrives), not of one of these types by its headers."""
    check_type(request, types)
    return await arrived(request, limit)


def check_type(request: Request, types: Sequence[str]) -> None:
    """Only what is declared so: a form or text that a browser sends across sites must never submit a task. Raises a
    Problem."""
    declared = ", ".join(headers.every(request, "content-type"))
    charset = declared.lower().partition(";")[2].replace('"', "").strip()
    if headers.media_type(request) not in types or charset not in ("", "charset=utf-8", "charset=utf8"):
        wanted = f"{' or '.join(types)} (and no charset but utf-8)"
        raise Problem("unsupported_media_type", f"Content-Type is {declared or 'missing'!r}, not {wanted}.")
    encoding = ", ".join(headers.every(request, "content-encoding")) or "identity"
    if encoding.lower() != "identity":
        raise Problem("unsupported_media_type", f"Content-Encoding {encoding!r} is not read; send the JSON as it is.")


async def arrived(request: Request, limit: int) -> bytes:
    """The body, whatever it is declared to be. Raises a Problem as soon as it is too large."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
    return b"".join(pieces)


def envelope(body: bytes, shape: type[E]) -> E:
    """The envelope of a body. Raises a Problem with every fault at once, those of the data too."""
    try:
        asked = _decoded(body, shape)
    except InvalidData as wrong:
        faults = _faults(body, shape) or wrong.faults
        code = "invalid_data" if all(fault.path.startswith("$.data.") for fault in faults) else "invalid_request"
        raise invalid(faults, code) from None
    if asked.delay_s is not None and asked.run_at is not None:
        fault = Fault("$.run_at", "stands beside delay_s: both say when to start", allowed="one of delay_s, run_at")
        raise invalid([fault], "invalid_request")
    if asked.webhook and asked.cache == "use":
        fault = Fault("$.cache", "stands beside webhook: a task that answers others has ended before", "use", "off")
        raise invalid([fault], "invalid_request")
    return asked


def is_wrong(line: bytes) -> bool:
    """Whether a line of a batch is certainly no task; found quickly, without what is wrong with it."""
    try:
        asked = _line(line)
        _params(execute.find(asked.kind).Params).decode(asked.data)
    except (ValueError, RecursionError, CalcError):  # msgspec's and those of text that is no UTF-8 are ValueErrors
        return True
    return False


def deadline_ms(asked: Envelope, now_ms: int) -> int:
    """When the task is to be ended with what is there, in ms since 1970; 0 for never."""
    return 0 if asked.deadline_s is None else now_ms + int(asked.deadline_s * 1000)


def time_limit_s(asked: Envelope, settings: Settings) -> float:
    """How long one job of the task may run: never longer than a whole task."""
    most = settings.task_time_limit_s
    if asked.time_limit_s is None:
        return min(settings.part_time_limit_s, most)
    if asked.time_limit_s > most:
        fault = Fault("$.time_limit_s", "is more than a whole task may take", asked.time_limit_s, f"at most {most:g}")
        raise invalid([fault], "invalid_request")
    return asked.time_limit_s


def not_before_ms(asked: Envelope, now_ms: int) -> int:
    """When the task may start, in ms since 1970; 0 for now."""
    if asked.delay_s:
        return now_ms + int(asked.delay_s * 1000)
    if asked.run_at is None:
        return 0
    try:
        at = msgspec.convert(asked.run_at, _ZonedTime) - EPOCH
    except msgspec.ValidationError:
        fault = Fault("$.run_at", "is not a time with a zone", asked.run_at, "like 2030-01-31T18:00:00Z")
        raise invalid([fault], "invalid_request") from None
    if at.total_seconds() > now_ms / 1000 + LATEST_S:
        fault = Fault("$.run_at", "is more than 30 days from now", asked.run_at, "at most 30 days from now")
        raise invalid([fault], "invalid_request")
    return max(0, int(at.total_seconds() * 1000))


def metadata_text(asked: Envelope) -> str:
    """The client's own words as the record keeps them; "" for none."""
    return msgspec.json.encode(asked.metadata).decode() if asked.metadata else ""


def custom_id_of(line: bytes) -> str | None:
    """The client's name for a line that is wrong elsewhere, if one can be read."""
    try:
        name = msgspec.json.decode(line, type=_Named).custom_id
    except (msgspec.DecodeError, RecursionError):
        return None
    return name if name is None else name[:100]


# ── pieces ──


class _Named(Struct):
    custom_id: str | None = None


class _Data(Struct):
    data: Raw


_line = msgspec.json.Decoder(Line).decode


@cache
def _params(params: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(params)


_only_data = msgspec.json.Decoder(_Data).decode


def _decoded(body: bytes, shape: type[E]) -> E:
    """The envelope. Long data are taken out before it is looked at closely: their kind will do that to them."""
    if len(body) <= LONG:
        return decode(shape, body, "$")
    try:
        data = _only_data(body).data
    except (msgspec.DecodeError, RecursionError):
        return decode(shape, body, "$")
    rest = body.replace(bytes(data), b"null", 1) if len(bytes(data)) > LONG else body
    return msgspec.structs.replace(decode(shape, rest, "$"), data=data)


def _faults(body: bytes, shape: type[Envelope]) -> list[Fault]:
    """All that is wrong with a body, its data read as its kind's. [] where the kind cannot be known."""
    try:
        said = json.loads(body)
        kind = execute.find(str(said.get("kind", DEFAULT_KIND)))
        decode(_submission(kind.NAME, shape), body, "$")
    except InvalidData as wrong:
        return wrong.faults
    except (ValueError, AttributeError, RecursionError, UnknownKind):
        return []
    return []


@cache
def _submission(kind: str, shape: type[Envelope]) -> type[Struct]:
    """The envelope with the Params of a kind where it has them raw."""
    fields: list[tuple[str, Any, Any]] = [
        (f.name, f.type, f.default if f.default_factory is NODEFAULT else field(default_factory=f.default_factory))
        for f in msgspec.structs.fields(shape)
        if not f.required
    ]
    whole: list[tuple[str, Any] | tuple[str, Any, Any]] = [("data", execute.find(kind).Params), *fields]
    return msgspec.defstruct("Submission", whole, forbid_unknown_fields=True, kw_only=True)


def _too_large(limit: int) -> Problem:
    return Problem("body_too_large", f"The body is longer than {limit:,} bytes. Nothing was accepted.")
