"""Many tasks, put into a store without a consumer and, where asked, run to their end by the benchmark itself."""

from collections.abc import Sequence

import msgspec

from bench.stage import BACKLOG, BATCH, Bare, until
from pipeline import ids, verbs
from pipeline.keys import PRIORITIES
from pipeline.record import Done, Job, NewTask

ME, ANY, LIMIT_MS = "bench", 10**7, 10**7
# As long as the data of one option: a default conf keeps a record with a value above 64 bytes as a hash table.
DATA = b'{"value":7,"parts":1}'.ljust(88)
RESULT = b'{"price":10.450583572185565,"standard_error":0.0012}'.ljust(60)
KEY = b"0" * 16
SETTLE_LIMIT_S = 600.0


def tasks(bare: Bare, count: int, **changes: object) -> list[NewTask]:
    """Tasks of the kind `noop`, as a gateway would submit them."""
    now = bare.store.do(verbs.clock())
    given: dict[str, object] = {
        "kind": "noop", "data": DATA, "parts": 1, "first_wave": 8, "largest_wave": 64, "window": 32,
        "versions": '{"kind":1,"package":"0.1.0"}', "sha256": "0" * 64, "request_id": "f" * 32,
    }  # fmt: skip
    return [NewTask(**(given | changes | {"id": ids.mint(now, KEY)})) for _ in range(count)]  # type: ignore[arg-type]


def mixed(bare: Bare, count: int, owners: int, first: int = 0, kinds: Sequence[str] = ("noop",)) -> list[NewTask]:
    """Tasks of so many owners, each with every priority and kind in turn. `first` of them were made before."""
    made = []
    for n, task in enumerate(tasks(bare, count), first):
        turn = n // owners
        priority, kind = PRIORITIES[turn % len(PRIORITIES)], kinds[turn % len(kinds)]
        made.append(msgspec.structs.replace(task, owner=f"owner{n % owners}", priority=priority, kind=kind))
    return made


def submit(bare: Bare, new: Sequence[NewTask], share: int = ANY, at_once: int = BATCH) -> None:
    """All of them, so many a call."""
    for at in range(0, len(new), at_once):
        bare.store.do(verbs.submit(new[at : at + at_once], BACKLOG, share))


def take_all(bare: Bare, at_once: int = BATCH) -> list[Job]:
    """Everything that waits."""
    found: list[Job] = []
    while jobs := bare.store.do(verbs.take(ME, at_once, PRIORITIES, [], 3, ANY, LIMIT_MS)).jobs:
        found += jobs
    return found


def run_all(bare: Bare, new: Sequence[NewTask], at_once: int = BATCH) -> None:
    """Submit and finish, so many a call."""
    submit(bare, new, at_once=at_once)
    jobs = take_all(bare, at_once)
    for at in range(0, len(jobs), at_once):
        bare.store.do(verbs.finish_task([Done(job, RESULT, 0, 1.5) for job in jobs[at : at + at_once]], ME, ANY))


def settle(bare: Bare) -> None:
    """Until the append-only file is not being rewritten, and none of it after: a second process takes no core then."""
    bare.store.raw("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")

    def quiet() -> bool:
        found = bare.info("persistence")
        return all(found[name] == "0" for name in ("aof_rewrite_in_progress", "aof_rewrite_scheduled"))

    until(quiet, SETTLE_LIMIT_S)
