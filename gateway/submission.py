"""From what a request asks for to a task that can go to the store: planned, complete, with what makes it one of a kind.

bytes ──bodies──▶ Envelope ──calc plan──▶ Planned ──▶ NewTask
"""

import hashlib
import secrets
from functools import partial

from msgspec import Struct
from starlette.requests import Request

from calc import execute
from calc.errors import CalcError, Fault
from calc.execute import Planned
from gateway import answers, bodies, idempotency, limits
from gateway.access import ANYBODY
from gateway.bodies import Envelope
from gateway.desk import Desk
from gateway.forecast import Forecast
from gateway.idempotency import Key
from gateway.problems import invalid, of_calculation
from pipeline import log, webhooks
from pipeline.receiver import BadReceiver, parse
from pipeline.record import NewTask
from pipeline.settings import Settings, webhook_networks

BATCH = "batch"  # marks a task whose end counts for its batch (pipeline/scripts/pieces/work.lua)
CACHE = "cache:"  # what a key begins with that a calculation makes, and not a client
SEED_BITS = 53  # every JSON reader keeps an integer below 2^53 exactly


class From(Struct, frozen=True):
    """Whose request it is, and by which names the logs know it. `by` is the key or token; "" for anybody."""

    owner: str
    by: str
    request_id: str
    traceparent: str


class Asked(Struct, frozen=True):
    """A request, understood: its envelope, its plan, and the key that makes its resends one with it."""

    envelope: Envelope
    planned: Planned
    key: Key
    forecast: Forecast | None  # None: nothing is foretold of tasks of a batch


def who(request: Request) -> From:
    """Whose request it is."""
    state = request.scope["state"]
    by = "" if state["caller"] is ANYBODY else state["caller"].name
    return From(state["owner"], by, state["request_id"], state["traceparent"])


async def read(request: Request, desk: Desk) -> Asked:
    """What a request asks for. Only so many bytes of large bodies are here at a time. Raises a Problem."""
    limit = desk.settings.body_limit_bytes
    with desk.crowd.room(bodies.length(request, limit)):
        body = await bodies.read(request, limit)
        understand = partial(_understood, request, desk, body)
        return understand() if len(body) <= limits.LARGE else await desk.aside(understand)


def plan(asked: Envelope, seed: int | None = None) -> Planned:
    """The plan of what an envelope asks for. Raises a Problem."""
    try:
        return execute.plan(asked.kind, bytes(asked.data), secrets.randbits(SEED_BITS) if seed is None else seed)
    except CalcError as wrong:
        raise of_calculation(wrong) from None


def sha256(planned: Planned) -> str:
    """Of kind and complete data: what, with the version, decides the result."""
    return hashlib.sha256(planned.kind.encode() + b"\n" + planned.data).hexdigest()


def new_task(
    desk: Desk, id: str, asked: Asked, sender: From, batch: str = "", custom_id: str = "", told: bool = False
) -> NewTask:
    """The task, complete. `told`: its batch has a webhook too."""
    envelope, planned, key = asked.envelope, asked.planned, asked.key
    now_ms = desk.now_ms()
    return NewTask(
        id=id,
        kind=planned.kind,
        data=planned.data,
        parts=planned.parts,
        first_wave=planned.first_wave,
        largest_wave=planned.largest_wave,
        window=desk.window,
        versions=answers.versions_text(planned.version, log.VERSION),
        sha256=sha256(planned),
        owner=sender.owner,
        priority=envelope.priority,
        seed=planned.seed,
        label=envelope.label,
        batch=batch,
        custom_id=custom_id,
        metadata=bodies.metadata_text(envelope),
        request_id=sender.request_id,
        traceparent=sender.traceparent,
        not_before_ms=bodies.not_before_ms(envelope, now_ms),
        deadline_ms=bodies.deadline_ms(envelope, now_ms),
        time_limit_s=bodies.time_limit_s(envelope, desk.settings),
        result_ttl_s=envelope.result_ttl_s or desk.settings.result_ttl_s,
        same_key=key.name,
        same_sha=key.sha256,
        same_ttl_s=key.ttl_s,
        estimated=asked.forecast.text if asked.forecast else "",
        webhook=f"{BATCH if told else ''} {webhook(envelope.webhook or '', desk.settings)}".strip(),
        by=sender.by,
    )


def webhook(url: str, settings: Settings, path: str = "$.webhook") -> str:
    """Who is told of the end; "" for nobody. Raises a Problem for a URL that no webhook can have."""
    try:
        if url:
            parse(url, webhook_networks(settings))
    except BadReceiver as wrong:
        code = "invalid_query" if path.startswith("?") else "invalid_request"
        raise invalid([Fault(path, wrong.wrong, url, wrong.allowed)], code) from None
    return url


async def refuse_unsigned(desk: Desk, owner: str, path: str = "$.webhook") -> None:
    """Raise a Problem when nothing could sign what is sent to a webhook of this owner."""
    if not await desk.store.do(webhooks.secrets_of(owner)):
        wrong = f"needs a secret that signs what is sent; {owner} has none (an admin makes it)"
        fault = Fault(path, wrong, allowed=f"once there is one: make webhook-secret OWNER={owner}")
        raise invalid([fault], "invalid_query" if path.startswith("?") else "invalid_request")


def _understood(request: Request, desk: Desk, body: bytes) -> Asked:
    envelope = bodies.envelope(body, Envelope)
    planned = plan(envelope)
    key = idempotency.key(request, envelope, planned.kind, body)
    if _reuses(envelope, key, desk.settings):
        key = _same_calculation(envelope, planned, desk.settings)
    return Asked(envelope, planned, key, desk.foretell(planned.kind, planned.cpu_s))


def _reuses(envelope: Envelope, key: Key, settings: Settings) -> bool:
    """Whether an equal calculation answers it, and it answers others. Not where a client's own key says what is the
    same; not a task that is put off, whose end is to be told, or that a deadline may end with less than the whole
    result."""
    if (envelope.cache or settings.cache) == "off" or key.name.startswith("key:"):
        return False
    return not (envelope.deadline_s or envelope.delay_s or envelope.run_at or envelope.webhook)


def _same_calculation(envelope: Envelope, planned: Planned, settings: Settings) -> Key:
    """The key of a calculation: whoever asks for the same again gets the task that it made. Who gives no seed does not
    mind which one it is."""
    still = plan(envelope, seed=0)
    sha = sha256(still)
    seed = "drawn" if still.data != planned.data else "given"
    ttl_s = envelope.result_ttl_s or settings.result_ttl_s
    return Key(f"{CACHE}{planned.kind}:{planned.version}:{seed}:{sha}", sha, ttl_s)
