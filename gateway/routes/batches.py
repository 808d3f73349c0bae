"""Batches: many tasks in one request, watched, fetched and given up together.

    POST /tasks/batch ─lines─▶ understood │ rejected ─open_batch─▶ submit, MOST_A_CALL a call ─▶ 202

The ids of a batch's tasks follow from its own id and their lines. So a batch that is sent again with its key, because
an answer was lost or a gateway died half-way, goes on where it was and makes no task twice.
"""

import asyncio
from collections import Counter
from functools import partial

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gateway import (
    answers,
    batch_lines,
    batch_results,
    batch_tasks,
    bodies,
    etags,
    gather,
    headers,
    idempotency,
    limits,
    queries,
    short_bodies,
    submission,
)
from gateway.batch_lines import Line
from gateway.batch_tasks import Maker, Rejected
from gateway.desk import Desk
from gateway.found import found_batch
from gateway.problems import Problem
from gateway.shapes import WebhookAnswer
from pipeline import log, verbs
from pipeline.receiver import LONGEST
from pipeline.record import Batch, NewBatch, NewTask, State

LOG = log.get()
AT_ONCE = 4  # calls to the store under way
CANCEL_A_CALL = 250
KEPT_S = 8 * 86_400  # beyond the longest that a task may wait, run and be kept
LIMITLESS = 2**53  # for a batch that has its room already
MOST_BATCHES = 100
LABEL = 200  # characters


class BatchLinks(Struct, frozen=True):
    """Where to go from here."""

    self: str
    results: str
    cancel: str


class BatchAccepted(Struct, frozen=True, kw_only=True):
    """The answer to a batch: what is in the store, and what is not."""

    batch_id: str
    accepted: int
    rejected_count: int
    rejected: list[Rejected]
    links: BatchLinks


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """A batch and how many of its tasks are in each state. `forgotten`: their time was over, their records are gone."""

    batch_id: str
    label: str
    created_at: str
    lines: int
    accepted: int
    rejected: int
    states: dict[State, int]
    forgotten: int
    finished: bool
    webhook: WebhookAnswer | None
    links: BatchLinks


class BatchList(Struct, frozen=True):
    """Batches of an owner, newest first."""

    batches: list[BatchAnswer]


async def submit(request: Request) -> Response:
    """POST /tasks/batch: 202 when all that is right is in the store."""
    desk: Desk = request.app.state.desk
    asked = queries.only(request, ("atomic", "label", "webhook"))
    atomic, label = queries.flag(asked, "atomic"), queries.text(asked, "label", LABEL)
    webhook = submission.webhook(queries.text(asked, "webhook", LONGEST), desk.settings, "?webhook")
    desk.refuse_when_full()
    limit = desk.settings.body_limit_bytes
    with desk.crowd.room(bodies.length(request, limit)):
        body = await bodies.read(request, limit, (bodies.JSON, bodies.NDJSON))
        lines = await _lines(request, desk, body)
        id = await desk.mint()
        maker = Maker(desk, id, await desk.nth(id), submission.who(request), bool(webhook))
        await maker.understand(lines)
        if webhook or any(made.task.webhook for made in maker.made):
            await submission.refuse_unsigned(desk, request.state.owner, "?webhook" if webhook else "$.webhook")
        if not maker.made or (atomic and maker.wrong):
            raise batch_tasks.nothing_accepted(maker.rejected, maker.wrong)
        key = idempotency.batch_key(request, body)
        batch = NewBatch(
            id=id,
            owner=request.state.owner,
            label=label,
            lines=len(lines),
            ttl_s=bodies.LATEST_S + KEPT_S,
            webhook=webhook,
            same_key=key.name,
            same_sha=key.sha256,
            same_ttl_s=key.ttl_s,
        )
        known, replayed, refused = await _submitted(desk, batch, maker, atomic)
        if webhook:
            await desk.store.do(verbs.seal_batch(known))
    told = _accepted(known, maker, refused)
    desk.figures.replays += replayed
    LOG.info("batch.submitted", batch_id=known, tasks=told.accepted, request_id=request.state.request_id)
    sent = {"Location": told.links.self, "Retry-After": etags.ASK_AGAIN_S}
    return answers.body(told, sent | ({"Idempotent-Replayed": "true"} if replayed else {}), answers.ACCEPTED)


async def look(request: Request) -> Response:
    """GET /batches/{batch_id}: its counts."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    return answers.body(await _told(desk, await found_batch(request, desk)))


async def index(request: Request) -> Response:
    """GET /batches: those of this owner."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    known = await desk.store.do(verbs.batches(request.state.caller.owner, MOST_BATCHES))
    batches = await asyncio.gather(*(desk.store.do(verbs.batch(id)) for id in sorted(known, reverse=True)))
    return answers.body(BatchList([await _told(desk, batch) for batch in batches if batch]))


async def results(request: Request) -> Response:
    """GET /batches/{batch_id}/results: a line for each task that has ended."""
    desk: Desk = request.app.state.desk
    asked = queries.only(request, ("format",))
    wanted = queries.choice(asked, "format", tuple(batch_results.FORMATS))
    batch = await found_batch(request, desk)
    media_type, stream = batch_results.FORMATS[wanted]
    return StreamingResponse(stream(desk, batch.id), media_type=media_type)


async def cancel(request: Request) -> Response:
    """POST /batches/{batch_id}/cancel: give up all of its tasks that have not ended."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    reason, by, request_id = await short_bodies.reason(request), request.state.caller.name, request.state.request_id
    batch = await found_batch(request, desk)
    given_up = await _give_up(desk, batch.id, by, request_id, reason)
    about = {"batch_id": batch.id, "by": by, "reason": reason, "request_id": request_id}
    LOG.info("batch.cancelled", **about, tasks=given_up)
    return answers.body(await _told(desk, await found_batch(request, desk)))


ROUTES = [
    Route("/tasks/batch", submit, methods=["POST"]),
    Route("/batches", index, methods=["GET"]),
    Route("/batches/{batch_id}", look, methods=["GET"]),
    Route("/batches/{batch_id}/results", results, methods=["GET"]),
    Route("/batches/{batch_id}/cancel", cancel, methods=["POST"]),
]


async def _lines(request: Request, desk: Desk, body: bytes) -> list[Line]:
    """The lines of a body; those of a grid, which are many though the body is short, are made beside the loop."""
    media_type = headers.media_type(request)
    divide = partial(batch_lines.of, body, media_type)
    return await desk.aside(divide) if batch_lines.is_grid(body, media_type) else divide()


# ── the store ──


async def _submitted(desk: Desk, batch: NewBatch, maker: Maker, atomic: bool) -> tuple[str, bool, list[Rejected]]:
    """Open the batch and submit its tasks: its id, whether it was there before, the lines that found no room.

    An atomic batch has its room before anything is written: then the limits do not count its tasks one by one.
    """
    most, unfinished, made = desk.settings.backlog_limit, desk.settings.unfinished_limit, maker.made
    counts = Counter(each.task.priority for each in made)
    opened = verbs.open_batch(batch, maker.wrong, counts, most, unfinished, atomic)
    outcome, known = await desk.store.do(opened)
    if outcome == "mismatch":
        raise Problem("idempotency_mismatch", f"This key made {known} from another request.")
    if outcome == "full":
        raise limits.backlog_full(batch.owner, known, most, desk.drained)
    if outcome == "quota":
        raise limits.quota_full(known, unfinished, desk.drained)
    if outcome == "replay":
        before = await desk.store.do(verbs.batch(known))
        if before and before.accepted >= len(made):  # nothing is missing: what it has forgotten since is not done again
            return known, True, []
        made = batch_tasks.of_batch(made, known, await desk.nth(known))
    room = (LIMITLESS, 0) if atomic else (most, unfinished)
    refused = await _store(desk, [each.task for each in made], *room)
    lines = [batch_tasks.no_room(each, refused[each.task.id]) for each in made if each.task.id in refused]
    return known, outcome == "replay", lines


async def _store(desk: Desk, tasks: list[NewTask], backlog_limit: int, unfinished_limit: int) -> dict[str, str]:
    """Submit all, some calls at a time; of those for which there was no room: id → full, quota."""
    chunks, refused = gather.chunks(tasks), dict[str, str]()

    async def send() -> None:
        for chunk in chunks:  # one after the other, each by whoever is free
            said = await desk.store.do(verbs.submit(chunk, backlog_limit, desk.share, unfinished_limit))
            refused.update((each.id, each.outcome) for each in said if each.outcome in ("full", "quota"))
            for task, each in zip(chunk, said, strict=True):
                if each.outcome == "new":
                    desk.lines.submitted(task)

    for ended in await asyncio.gather(*(send() for _ in range(AT_ONCE)), return_exceptions=True):
        if ended is not None:
            raise ended
    return refused


async def _give_up(desk: Desk, batch: str, by: str, request_id: str, reason: str) -> int:
    cursor, given_up = "", 0
    while True:
        page = verbs.cancel_batch(batch, cursor, CANCEL_A_CALL, desk.share, by, request_id, reason)
        cursor, some = await desk.store.do(page)
        given_up += some
        if not cursor:
            return given_up


# ── answers ──


def _links(id: str) -> BatchLinks:
    path = f"/batches/{id}"
    return BatchLinks(path, f"{path}/results", f"{path}/cancel")


def _accepted(id: str, maker: Maker, refused: list[Rejected]) -> BatchAccepted:
    wrong = sorted([*maker.rejected, *refused], key=lambda each: each.line)
    return BatchAccepted(
        batch_id=id,
        accepted=len(maker.made) - len(refused),
        rejected_count=maker.wrong + len(refused),
        rejected=wrong[: batch_tasks.MOST_REJECTS],
        links=_links(id),
    )


async def _told(desk: Desk, batch: Batch) -> BatchAnswer:
    unfinished = sum(batch.states[state] for state in ("scheduled", "queued", "running"))
    return BatchAnswer(
        batch_id=batch.id,
        label=batch.label,
        created_at=answers.time_text(batch.created_at),
        lines=batch.lines,
        accepted=batch.accepted,
        rejected=batch.lines - batch.accepted,
        states=batch.states,
        forgotten=max(0, batch.accepted - sum(batch.states.values())),
        finished=unfinished == 0,
        webhook=await desk.webhook(batch.id, batch.webhook, False),
        links=_links(batch.id),
    )
