"""The parent: one thread, one selector, between the store and its children.

    store ──take──▶ ┌────────┐ ──give──▶ pipe ──▶ child ┐
    bell ──rings──▶ │ parent │                          ├ calc
    signal ──stop─▶ └────────┘ ◀─answer─ pipe ◀── child ┘
                        └──finish, fold, fail, retry, release──▶ store

A turn of the loop: sleep until something happens and hear it; look after the children; do what the timers say (renew,
beat, the reaper's); tell the store what came of jobs and take new ones in one round trip. No threads, so it may fork
a child at any time; no asyncio, which costs half as much again. A call to the store blocks the loop for
pipeline.store.ANSWER_S at most: so late can a time limit be.

While the store is away the children go on, and what comes of their jobs waits in `pool.settled`. That is never more
than was held, for nothing is taken. To tell an outcome twice is safe: the second time it is `lost`.
"""

import os
import selectors
import time
from collections.abc import Sequence

import msgspec

from consumer.child import Broke
from consumer.ear import Ear
from consumer.figures import Figures
from consumer.heart import Heart
from consumer.known import Known
from consumer.lease import Lease
from consumer.link import Link
from consumer.outcome import Outcome, Released, deliveries, lines
from consumer.pace import LINGER_S, is_urgent
from consumer.pool import Pool
from consumer.reaper import Reaper
from pipeline import log, verbs
from pipeline.errors import PipelineError, StoreAway
from pipeline.record import Job, Taken
from pipeline.settings import Settings


class Worker:
    """One consumer. `run` returns when a signal has asked for a stop and the stop is complete."""

    def __init__(self, settings: Settings, consumer: str, pool: Pool, selector: selectors.BaseSelector) -> None:
        self._settings = settings
        self._consumer = consumer
        self._pool = pool
        self._selector = selector
        self._link = Link(settings, consumer, selector)
        self._store = self._link.store
        self._figures = Figures(pool.ended)
        self._heart = Heart(self._store, consumer, settings, pool, self._figures)
        reaper = Reaper(self._store, consumer, settings, lambda: self._heart.share, self._figures)
        lease = Lease(self._store, consumer, settings, pool, self._heart.lost, self._figures)
        self._timers = [*lease.timers, *self._heart.timers, *reaper.timers]
        self._known = Known()
        self._unsure: set[str] = set()  # tokens whose outcome was sent, but the store went away before it answered
        self._spoke_at = 0.0
        self._company_s = 0.0  # how long since then an outcome waits for company
        self._stop_by: float | None = None
        self._ear = Ear(selector, self._stop)
        self._log = log.get()

    def run(self) -> None:
        """Work until stopped."""
        about = {"lease_s": self._settings.lease_s, "memory_limit_mb": round(self._pool.memory_limit_bytes / 1e6)}
        self._log.info("consumer.started", children=self._pool.size, **about)
        again = 0.0
        while not self._stopped():
            self._listen(again)  # first: after a long silence of the store, answers are there that are not late
            now = time.monotonic()
            self._pool.tick(now)
            again = min(self._speak(now), self._pool.due())
        self._leave()

    # ── the store ──

    def _speak(self, now: float) -> float:
        """Say and ask what is due; answers when to speak again."""
        if now < self._link.try_at:
            return self._link.try_at
        try:
            if self._link.away:
                self._come_back()
            self._link.check(now)
            for timer in self._timers:
                timer.run(now)
            if self._due(now):
                self._exchange()
        except PipelineError as cause:
            if isinstance(cause, StoreAway) or self._link.away:
                self._figures.absences += not self._link.away
                self._link.lost(cause)
                return self._link.try_at
            self._log.error("store.refused", reason=str(cause))  # a bug, in a step that comes again by itself
        again = min(timer.due for timer in self._timers)
        return min(again, self._spoke_at + self._linger_s()) if self._pool.settled or self._room() else again

    def _come_back(self) -> None:
        """The first words after an absence: make what is missing, ask what we hold and do not know of."""
        for wrong in self._store.do(verbs.ready()):
            self._log.warning("store.warning", detail=wrong)
        found = self._store.do(verbs.resync(self._consumer, self._pool.tokens(), self._heart.share))
        self._link.back()
        self._accept(found)

    def _room(self, telling: bool = False) -> int:
        """How many jobs to ask for: none while the bell has not rung, and none when stopping."""
        return 0 if self._link.asleep or self._stop_by is not None else self._pool.room(telling)

    def _due(self, now: float) -> bool:
        if self._link.asleep and not self._pool.busy:
            return bool(self._pool.settled)  # nothing else is coming that could go along
        return now >= self._spoke_at + self._linger_s() and bool(self._pool.settled or self._room())

    def _linger_s(self) -> float:
        """How long is between two round trips at least: nothing where a child, or somebody who asked for high, would
        stand idle for it."""
        if self._pool.pace.ahead > 1:
            return LINGER_S
        if self._link.asleep or self._pool.idle or any(is_urgent(outcome.job) for outcome in self._pool.settled):
            return 0.0
        return self._company_s

    def _exchange(self) -> None:
        """Tell what came of jobs, and take new ones, in one round trip."""
        told = list(self._pool.settled)
        sent = deliveries(told, self._consumer, self._heart.share, self._settings)
        calls = [delivery.call for delivery in sent]
        room = self._room(bool(told))
        if room:
            order, known = self._pool.pace.order(), self._known.tasks()
            most, limit_ms = self._settings.max_attempts, int(self._settings.task_time_limit_s * 1000)
            calls.append(verbs.take(self._consumer, room, order, known, most, self._heart.share, limit_ms))
        self._spoke_at = time.monotonic()
        try:
            replies = self._store.do_all(calls)
        except StoreAway:
            self._unsure.update(outcome.job.token for outcome in told)
            raise
        except PipelineError as refused:
            self._exchange_singly(told, refused)
            return
        del self._pool.settled[: len(told)]
        taken = replies.pop() if room else Taken([], [], 0)
        for delivery, reply in zip(sent, replies, strict=True):
            self._tell(delivery.outcomes, delivery.words(reply))
        self._pool.pace.took(taken.jobs, taken.standing)
        self._accept(taken.jobs)
        self._company_s = self._pool.pace.company_s * self._pool.ready
        if taken.wake_ids:
            self._link.sleep(taken.wake_ids)

    def _exchange_singly(self, told: Sequence[Outcome], refused: PipelineError) -> None:
        """One of the calls is one that the store cannot take: a bug, for which the others must not suffer."""
        self._log.error("store.refused", reason=str(refused), jobs=len(told))
        self._unsure.update(outcome.job.token for outcome in told)
        for outcome in told:
            try:
                self._tell_singly(outcome)
            except StoreAway:
                raise
            except PipelineError as reason:
                self._tell_singly(msgspec.structs.replace(outcome, what=Broke(str(reason), "")))
            self._pool.settled.remove(outcome)
        self._link.lost(StoreAway("what the take of the same round trip brought must be asked for"))

    def _tell_singly(self, outcome: Outcome) -> None:
        [delivery] = deliveries([outcome], self._consumer, self._heart.share, self._settings)
        self._tell([outcome], delivery.words(self._store.do(delivery.call)))

    def _tell(self, outcomes: Sequence[Outcome], words: Sequence[str]) -> None:
        """One line a job."""
        tokens = [outcome.job.token for outcome in outcomes]
        sure = [
            "unknown" if word == "lost" and token in self._unsure else word
            for token, word in zip(tokens, words, strict=True)
        ]
        self._unsure.difference_update(tokens)
        self._heart.lost.update(o.job.kind for o, word in zip(outcomes, sure, strict=True) if word == "lost")
        told = lines(outcomes, sure, self._consumer)
        self._figures.told(told)
        log.write_lines(told)

    def _accept(self, jobs: Sequence[Job]) -> None:
        """Give held jobs to children. What finds none is handed back: it was read ahead and proved not to be short."""
        try:
            for job in jobs:
                self._give(job)
        finally:
            self._pool.send()

    def _give(self, job: Job) -> None:
        wave = None
        if job.time_limit_s > self._settings.task_time_limit_s:
            job = msgspec.structs.replace(job, time_limit_s=self._settings.task_time_limit_s)
        if job.step in ("fold", "result"):
            try:
                wave = self._store.do(verbs.wave(job))
            except StoreAway:
                raise  # `resync` brings it again, and those behind it
            except PipelineError as broken:
                self._pool.settled.append(Outcome(job, -1, 0.0, Broke(str(broken), "")))
                return
            if wave is None:
                self._tell([Outcome(job, -1, 0.0, Released())], ["lost"])
                return
        if self._stop_by is not None or not self._pool.give(job, self._known.data(job), wave):
            self._pool.settled.append(Outcome(job, -1, 0.0, Released()))

    # ── everything else ──

    def _listen(self, until: float) -> None:
        """Sleep until something happens, or until then."""
        wait_s = max(0.0, until - time.monotonic())
        if self._pool.settled and wait_s <= LINGER_S:
            time.sleep(wait_s)  # more answers come meanwhile; to wake for each would cost more than they do
            wait_s = 0.0
        for key, mask in self._selector.select(wait_s):
            key.data(mask)

    def _stop(self, name: str) -> None:
        """Begin the stop: nothing is taken any more, what is not begun is handed back."""
        if self._stop_by is not None:
            return
        self._stop_by = time.monotonic() + self._settings.grace_s
        self._heart.drain()
        self._pool.hand_back_unstarted()
        self._link.stop_listening()
        self._log.info("consumer.stopping", signal=name, grace_s=self._settings.grace_s)

    def _stopped(self) -> bool:
        if self._stop_by is None:
            return False
        return time.monotonic() >= self._stop_by or not (self._pool.working or self._pool.settled)

    def _leave(self) -> None:
        """End the children, hand back what they had, take our name away. Should the store be away, leases run out."""
        self._pool.stop()
        if not self._link.away:
            try:
                if self._pool.settled:
                    self._exchange()
                self._store.do(verbs.leave(self._consumer))
            except PipelineError as cause:
                self._log.warning("consumer.left_in_silence", reason=str(cause))
        self._log.info("consumer.stopped", pid=os.getpid())
