"""A store with a hundred thousand tasks, made by the verbs that gateways and consumers use: a hand plays both."""

from collections.abc import Callable

import msgspec

from pipeline import ids, verbs
from pipeline.keys import PRIORITIES
from pipeline.record import Done, Job, NewTask, Pause
from tests.browser.stage import Product

FINISHED, FAILED, WAITING = 100_000, 300, 400
A_CALL = 250
SHARE, LIMIT_MS = 10**7, 10**7
KINDS = ("noop", "spin", "sleep", "refuse")
RESULT = b'{"price":8.0210,"standard_error":{"price":0.0095}}'
ERRORS = (
    {"code": "child_died", "message": "Child died: killed by signal {n} (Killed), in attempt 3 of job p0, at {n} MB."},
    {"code": "refused", "message": "The matrix of row {n} is not positive ({n}.5)."},
    {"code": "time_limit", "message": "The job ran longer than {n} s."},
)


def many(product: Product, progress: Callable[[], None]) -> None:
    """All of it; at the end every priority is paused, and a consumer lives that has nothing to do. `progress` is called
    after every few thousand tasks."""
    hand = Hand(product)
    for done in range(0, FINISHED, A_CALL):
        hand.finish(hand.jobs(A_CALL))
        if done % (20 * A_CALL) == 0:
            progress()
    progress()
    for n, job in enumerate(hand.jobs(FAILED)):
        error = {name: text.format(n=n) for name, text in ERRORS[n % len(ERRORS)].items()}
        assert product.store.do(verbs.fail(job, error, n % 3 == 0, "hand", 0, 1.5, SHARE))
    for priority in PRIORITIES:
        product.store.do(verbs.pause(priority, Pause("night shift", "month's end", product.store.do(verbs.clock()))))
    hand.submit(WAITING, parts=3)
    lines = [{"kind": "noop", "data": {"value": n}, "custom_id": f"line {n}", "label": f"book {n}"} for n in range(120)]
    assert product.client.post("/tasks/batch?label=nightly", json=lines).status_code == 202
    product.submit("sleep", {"seconds": 1}, delay_s=3600, label="<img src=x onerror=alert(1)>")
    product.consumer("night")


class Hand:
    """Plays gateway and consumer."""

    def __init__(self, product: Product) -> None:
        self._store = product.store
        self._key = self._store.do(verbs.idkey(b"0" * 16))
        self._made = 0

    def submit(self, count: int, parts: int = 1) -> None:
        """So many tasks of all kinds and priorities in turn."""
        now = self._store.do(verbs.clock())
        for at in range(0, count, A_CALL):
            new = [self._task(now, parts) for _ in range(min(A_CALL, count - at))]
            self._store.do(verbs.submit(new, 10**7, SHARE))

    def jobs(self, count: int) -> list[Job]:
        """So many, submitted and taken."""
        self.submit(count)
        taken = self._store.do(verbs.take("hand", count, PRIORITIES, [], 3, SHARE, LIMIT_MS)).jobs
        assert len(taken) == count
        return taken

    def finish(self, jobs: list[Job]) -> None:
        """With a result each."""
        assert all(self._store.do(verbs.finish_task([Done(job, RESULT, 0, 1.5) for job in jobs], "hand", SHARE)))

    def _task(self, now: int, parts: int) -> NewTask:
        self._made += 1
        n = self._made
        return NewTask(
            id=ids.mint(now, self._key),
            kind=KINDS[n % len(KINDS)],
            data=msgspec.json.encode({"value": n, "parts": parts}),
            parts=parts,
            first_wave=8,
            largest_wave=64,
            window=32,
            versions='{"kind":1,"package":"0.1.0"}',
            sha256="0" * 64,
            priority=PRIORITIES[n % len(PRIORITIES)],
            label=f"book {n % 50}",
        )
