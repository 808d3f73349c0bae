"""The parent's children: who gets which job, what came of it, and a new child for each dead one (I7, I10).

Each death is seen by the end of the child's pipe, whoever caused it; by a look, where a process that a job has started
holds the pipe open. Who kills a child says why, so that what was in its hands gets the right outcome: the first job
without an answer is the one it was doing (Died, TimedOut or MemoryLimit), those behind it were not started (Released).

Of short jobs a child has one ready; more wait in the parent's own hands, for whichever child is the first to want one.
"""

import os
import selectors
import time
from collections import Counter
from functools import partial

import msgspec

from consumer.outcome import Died, MemoryLimit, Outcome, Released, TimedOut, What
from consumer.pace import BUNDLES, Pace
from consumer.ready import STUCK_S, Ready
from consumer.slot import End, Given, Slot
from pipeline import log
from pipeline.errors import PipelineError
from pipeline.record import Job, Wave
from pipeline.verbs import MOST_A_CALL

# A child that works on what is not ours any more is killed after this. Short jobs are over sooner, on a busy machine
# too, and a new child costs more than they do.
USELESS_S = 0.25
# A child says that it is ready within milliseconds; one that has not by then never will.
SILENT_S = 5.0
# Children that die before they are ready are replaced after a pause, so that they do not eat the machine.
PAUSE_S = 0.25
# So often it is looked whether the children live and what memory they have, while any of them works.
LOOK_S = 0.2


class Pool:
    """All slots. `settled` collects the outcomes of jobs that are in no child's hands any more."""

    def __init__(self, children: int, selector: selectors.BaseSelector, pace: Pace, memory_limit_bytes: int) -> None:
        threads = len(os.listdir("/proc/self/task"))
        if threads > 1:
            # PDEATHSIG follows the thread that forks, and a fork copies all threads' locks but only one thread.
            raise PipelineError(f"a consumer forks, so it must have one thread, not {threads}: has a kind started one?")
        self.pace = pace
        self.settled: list[Outcome] = []
        self.ended: Counter[str] = Counter()  # why a child ended → how often
        self._selector = selector
        self.memory_limit_bytes = memory_limit_bytes
        self._look_at = 0.0
        self._slots: dict[int, Slot] = {}
        self._absent: dict[int, float] = {}  # number of a slot without a child → when to fork one
        self._given: set[Slot] = set()
        self._ready = Ready()
        self._log = log.get()
        for number in range(children):
            self._fork(number)

    @property
    def slots(self) -> list[Slot]:
        """The living children, by number."""
        return [self._slots[number] for number in sorted(self._slots)]

    @property
    def size(self) -> int:
        return len(self._slots) + len(self._absent)

    @property
    def busy(self) -> bool:
        """Whether any child has anything to do."""
        return any(slot.jobs for slot in self._slots.values())

    @property
    def idle(self) -> bool:
        """Whether a child that could work has nothing to do."""
        return any(slot.room(1) for slot in self._slots.values())

    @property
    def _watching(self) -> bool:
        """Whether the children are to be looked at: one of them works, or shall be dead soon."""
        return any(slot.jobs or slot.killed for slot in self._slots.values())

    @property
    def working(self) -> bool:
        """Whether any child does something that is still ours."""
        return any(slot.busy for slot in self._slots.values())

    # ── jobs out ──

    def room(self, telling: bool = False) -> int:
        """How many jobs to take: as many as there are free children; more only while all is tiny, or, with outcomes
        to tell, short (I7)."""
        if self.pace.ahead > 1:
            room = self._room(BUNDLES * self.pace.ahead) - len(self._ready)
        else:
            room, spare = self._room(1), self.pace.spare if telling else 0
            room += max(0, min(spare, self._room(1 + self.pace.ready) - room - len(self._ready)))
        return min(MOST_A_CALL, max(0, room))

    def give(self, job: Job, data: bytes, wave: Wave | None) -> bool:
        """Take a job into our hands; False when there is no place for it."""
        if self._hand_on(job, data, wave):
            return True
        if len(self._ready) >= (self.pace.most_ready(job) - 1) * len(self._slots):
            return False
        self._ready.add(job, data, wave)
        return True

    def _hand_on(self, job: Job, data: bytes, wave: Wave | None) -> bool:
        """Find a child for a job; False when none has room. Tiny jobs fill one child's bundle before the next one's."""
        bundle, short = self.pace.bundle(job), self.pace.is_short(job)
        for bundles in range(1, BUNDLES + 1 if short else 2):
            for slot in self._slots.values():
                if slot.room(bundle * bundles):
                    slot.give(job, short, data, wave)
                    self._given.add(slot)
                    return True
        return False

    def _room(self, most: int) -> int:
        """How many jobs more all children may have, when each may have so many."""
        return sum(slot.room(most) for slot in self._slots.values())

    @property
    def ready(self) -> float:
        """How many jobs there are for each child behind the one that it does."""
        behind = sum(max(0, len(slot.jobs) - 1) for slot in self._slots.values())
        return (behind + len(self._ready)) / max(1, len(self._slots))

    def send(self) -> None:
        """Send what was given."""
        for slot in self._given:
            slot.send()
            self._watch(slot)
        self._given.clear()

    # ── outcomes in ──

    def tokens(self) -> list[str]:
        """What this consumer holds: jobs in children's hands, and outcomes that the store has not been told."""
        given = [given.job.token for slot in self._slots.values() for given in slot.jobs if given.ours]
        return given + [job.token for job in self._ready] + [outcome.job.token for outcome in self.settled]

    def lose(self, token: str) -> Outcome | None:
        """The job is not ours any more: the child that works on it is killed. None when nobody has it to do."""
        if job := self._ready.lose(token):
            return Outcome(job, -1, 0.0, Released())
        for slot in self._slots.values():
            for given in slot.jobs:
                if given.job.token == token:
                    given.ours = False
                    first = slot.jobs[0] is given
                    if first:
                        slot.kill("lost")
                    return Outcome(given.job, slot.number, slot.ran_ms() if first else 0.0, Released())
        return None

    def tick(self, now: float) -> None:
        """Kill what is over its limits, hand back what is stuck, fork what is missing. Hear the children first."""
        for number, due in list(self._absent.items()):
            if now >= due:
                self._fork(number)
        if now >= self._ready.due():
            self._hand_back_ready()
        look = now >= self._look_at and self._watching
        if look:
            self._look_at = now + LOOK_S
        for slot in list(self._slots.values()):
            if look and slot.has_died():
                self._heard_last(slot)
                continue
            if not slot.ready and now >= slot.born + SILENT_S:
                slot.kill("silent")
            if look and slot.allowance.over():
                slot.kill("memory")
            if not slot.jobs or slot.killed:
                continue
            head, ran_s = slot.jobs[0], now - slot.since
            if ran_s >= self._limit_s(head):
                slot.kill("timed out" if head.ours else "lost")
            elif slot.waiting and ran_s >= STUCK_S:
                self._hand_back(slot, 1)

    def due(self) -> float:
        """When `tick` will have something to do."""
        times: list[float] = [self._ready.due(), *self._absent.values(), *((self._look_at,) if self._watching else ())]
        for slot in self._slots.values():
            if not slot.ready:
                times.append(slot.born + SILENT_S)
            elif slot.jobs and not slot.killed:
                limit_s = self._limit_s(slot.jobs[0])
                times.append(slot.since + (min(limit_s, STUCK_S) if slot.waiting else limit_s))
        return min(times)

    def hand_back_unstarted(self) -> None:
        """Hand back every job that is not being worked on."""
        self._hand_back_ready()
        for slot in self._slots.values():
            self._hand_back(slot, 1)

    def stop(self) -> None:
        """Kill all children; what was in their hands, and ours, is handed back."""
        self._hand_back_ready()
        for slot in self._slots.values():
            self._hand_back(slot, 0)
            slot.kill("stopped")
        for slot in self._slots.values():
            self._selector.unregister(slot.wire)
            slot.buried()
        self._slots.clear()
        self._absent.clear()

    def _heard(self, slot: Slot, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            slot.wire.flush()
            self._watch(slot)
        if not mask & selectors.EVENT_READ:
            return
        try:
            for given, answer in slot.answers():
                self.pace.learn(given.job, answer.seconds)
                self._settle(slot, given, answer.seconds * 1000, answer.what, answer.cpu_s * 1000, answer.paths)
        except EOFError:
            self._bury(slot)
        except msgspec.DecodeError as nonsense:
            self._log.error("child.nonsense", child=slot.number, child_pid=slot.pid, detail=str(nonsense))
            slot.kill("silent")
        while self._ready:
            first = self._ready.first()
            if not self._hand_on(first.job, first.data, first.wave):
                break
            self._ready.drop_first()
        self.send()

    def _heard_last(self, slot: Slot) -> None:
        """A dead child whose pipe has not ended: what it had still said counts, then it is buried."""
        while self._slots.get(slot.number) is slot and slot.wire.readable():
            self._heard(slot, selectors.EVENT_READ)
        if self._slots.get(slot.number) is slot:
            self._bury(slot)

    def _watch(self, slot: Slot) -> None:
        """Ask the selector for EVENT_WRITE exactly while bytes wait for this child."""
        key = self._selector.get_key(slot.wire)
        if key.events != slot.watched:
            self._selector.modify(slot.wire, slot.watched, key.data)

    @staticmethod
    def _limit_s(given: Given) -> float:
        return given.job.time_limit_s if given.ours else USELESS_S

    def _hand_back_ready(self) -> None:
        self.settled += [Outcome(job, -1, 0.0, Released()) for job in self._ready.clear()]

    def _hand_back(self, slot: Slot, first: int) -> None:
        slot.short = False  # nothing more is put behind what keeps it
        for given in list(slot.jobs)[first:]:
            self._settle(slot, given, 0.0, Released())
            given.ours = False

    def _bury(self, slot: Slot) -> None:
        self._selector.unregister(slot.wire)
        del self._slots[slot.number]
        self._given.discard(slot)
        end = slot.buried()
        about = {"child": slot.number, "child_pid": slot.pid, "jobs": len(slot.jobs)}
        self._log.warning("child.died", how=end.how, killed_because=slot.killed, **about)
        self.ended[slot.killed or "died"] += 1
        if slot.jobs:
            self.pace.outlasted(slot.jobs[0].job, slot.ran_ms() / 1000)
            self._settle(slot, slot.jobs[0], slot.ran_ms(), self._what(slot, end))
            self._hand_back(slot, 1)
        if slot.ready:
            self._fork(slot.number)
        else:
            self._absent[slot.number] = time.monotonic() + PAUSE_S

    def _what(self, slot: Slot, end: End) -> What:
        """What came of the job that a dead child was doing."""
        if slot.killed == "timed out":
            return TimedOut()
        if slot.killed == "memory" or slot.allowance.ended(end.code, end.peak_bytes):
            return MemoryLimit(end.how, end.peak_bytes, self.memory_limit_bytes)
        return Died(end.how, end.peak_bytes)

    def _settle(self, slot: Slot, given: Given, ran_ms: float, what: What, cpu_ms: float = 0.0, paths: int = 0) -> None:
        if given.ours:
            self.settled.append(Outcome(given.job, slot.number, ran_ms, what, cpu_ms, paths))

    def _fork(self, number: int) -> None:
        try:
            slot = Slot(number, self.memory_limit_bytes)
        except OSError as refused:  # no memory or too many processes: the other children go on
            self._log.error("child.not_started", child=number, reason=str(refused))
            self._absent[number] = time.monotonic() + 1.0
            return
        self._absent.pop(number, None)
        self._slots[number] = slot
        self._selector.register(slot.wire, slot.watched, partial(self._heard, slot))
        self._log.info("child.started", child=number, child_pid=slot.pid)
