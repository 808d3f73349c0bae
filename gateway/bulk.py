"""Many tasks at once: all that fit a filter, or all failures of a group, tried again or given up.

Who asks says how many they expect. When it is another number by now (by more than one in twenty) nothing is done.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Raw, Struct, structs

from gateway import bodies, etags, gather, limits, submission
from gateway.desk import Desk
from gateway.found import GONE
from gateway.idempotency import Key
from gateway.problems import Problem
from gateway.submission import Asked, From
from pipeline import verbs, views
from pipeline.record import NewTask, Task, Wanted

MOST = 10_000  # tasks of one request
A_WALK = 500
AT_ONCE = 50
DRIFT = 0.05


class BulkAnswer(Struct, frozen=True):
    """What became of `matched` tasks: `done`; `refused`, by code; `task_ids`: the new tasks, at most a hundred."""

    matched: int
    done: int
    refused: dict[str, int]
    task_ids: list[str]


async def matching(desk: Desk, wanted: Wanted, newest: str) -> tuple[list[str], bool]:
    """The ids of the tasks that are wanted and older than the id `newest` ("": all), newest first, and whether these
    are all: at most MOST."""
    found, cursor = list[str](), newest
    while len(found) < MOST:
        cursor, some = await desk.store.do(verbs.matching(wanted, cursor, A_WALK))
        found += some
        if not cursor:
            return found, True
    return found[:MOST], False


def refuse_when_changed(count: int, expected: int, drift: float = DRIFT) -> None:
    """Raise a Problem when it is another number than was expected."""
    if abs(count - expected) > expected * drift:
        raise Problem("count_changed", f"It was expected to be {expected:,} and is {count:,} by now. Nothing was done.")


async def cancel(desk: Desk, ids: Sequence[str], sender: From, reason: str) -> BulkAnswer:
    """Give all of them up, for one reason."""
    done, refused = 0, dict[str, int]()
    for at in range(0, len(ids), AT_ONCE):
        calls = [verbs.cancel(id, desk.share, sender.by, sender.request_id, reason) for id in ids[at : at + AT_ONCE]]
        for outcome in await asyncio.gather(*map(desk.store.do, calls)):
            if outcome in ("ok", "cancelled"):
                done += 1
            else:
                _add(refused, "unknown_task" if outcome == "unknown" else "already_final")
    return BulkAnswer(len(ids), done, refused, [])


async def retry(desk: Desk, ids: Sequence[str], sender: From) -> BulkAnswer:
    """Try all of them again, each as a new task with the same data and seed."""
    desk.refuse_when_full()
    refused, made = dict[str, int](), list[tuple[str, str]]()
    for at in range(0, len(ids), verbs.MOST_A_CALL):
        pairs = await _made(desk, ids[at : at + verbs.MOST_A_CALL], sender, refused)
        made += await _submitted(desk, pairs, refused)
    return BulkAnswer(len(ids), len(made), refused, [new for _, new in made[:100]])


async def again(
    desk: Desk,
    old: Task,
    sender: From,
    key_of: Callable[[bodies.Envelope], Key] = lambda _: Key(),
) -> tuple[NewTask, Asked]:
    """A new task that does the calculation of an old one again. Raises a Problem."""
    origin = await desk.store.do(verbs.origin(old.id))
    if origin is None:
        raise Problem("task_expired", GONE, task_id=old.id)
    data, time_limit_s, result_ttl_s = origin
    envelope = bodies.Envelope(
        data=Raw(data),
        kind=old.kind,
        priority=old.priority,
        label=old.label,
        metadata=old.metadata,
        time_limit_s=min(time_limit_s, desk.settings.task_time_limit_s),
        result_ttl_s=result_ttl_s,
        webhook=old.webhook or None,
    )

    plan = partial(submission.plan, envelope)
    planned = plan() if len(data) <= limits.LARGE else await desk.aside(plan)
    asked = Asked(envelope, planned, key_of(envelope), desk.foretell(planned.kind, planned.cpu_s))
    task = submission.new_task(desk, await desk.mint(), asked, sender)
    if task.webhook:
        await submission.refuse_unsigned(desk, task.owner)
    theirs = etags.result_sha256(old) or ""
    return structs.replace(task, rerun_of=old.id, rerun_sha256=theirs, custom_id=old.custom_id), asked


# ── pieces ──


async def _made(desk: Desk, ids: Sequence[str], sender: From, refused: dict[str, int]) -> list[tuple[str, NewTask]]:
    made = []
    for old in await asyncio.gather(*(desk.store.do(verbs.task(id)) for id in ids)):
        try:
            if old is None:
                raise Problem("task_expired", GONE)
            if old.state not in ("failed", "cancelled"):
                raise Problem("not_failed", f"The task is {old.state}.")
            task, _ = await again(desk, old, structs.replace(sender, owner=old.owner))
            made.append((old.id, task))
        except Problem as problem:
            _add(refused, problem.code)
    return made


async def _submitted(desk: Desk, pairs: list[tuple[str, NewTask]], refused: dict[str, int]) -> list[tuple[str, str]]:
    most, unfinished = desk.settings.backlog_limit, desk.settings.unfinished_limit
    old = {task.id: id for id, task in pairs}
    done = []
    for chunk in gather.chunks([task for _, task in pairs]):
        outcomes = await desk.store.do(verbs.submit(chunk, most, desk.share, unfinished))
        for said, task in zip(outcomes, chunk, strict=True):
            if said.outcome in ("new", "replay"):
                desk.lines.submitted(task)
                done.append((old[task.id], task.id))
            else:
                _add(refused, "quota_full" if said.outcome == "quota" else "backlog_full")
    if done:
        await desk.store.do(views.retried(done))
    return done


def _add(refused: dict[str, int], code: str) -> None:
    refused[code] = refused.get(code, 0) + 1
