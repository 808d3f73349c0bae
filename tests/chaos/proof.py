"""The proof, while the stack still runs: the clients' notes against the store."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from pipeline import verbs
from pipeline.record import FINAL, STATES, Task
from pipeline.store import Store
from tests.chaos import verdict
from tests.chaos.cases import LONG_PART_S, truth
from tests.chaos.figure import Figure, none
from tests.chaos.load import Note
from tests.chaos.stack import CHILDREN, ChaosStack
from tests.chaos.verdict import Pair
from tests.chaos.watch import Watch

ALONE = ("consumer killed", "consumer stopped, past its lease")
TOGETHER = ("store killed", "store stopped", "black hole", "connections refused", "groups destroyed")
# What becomes a dead letter, beside the end of its task.
BURIED = frozenset(("child_died", "memory_limit", "time_limit", "internal_error"))


class Proof:
    """Reads every record once; `figures` says what it found."""

    def __init__(self, stack: ChaosStack, notes: list[Note], watch: Watch, faults: Counter[str]) -> None:
        self.stack, self.watch, self.faults = stack, watch, faults
        self.store = Store(stack.settings, "proof")
        self.notes = [note for note in notes if note.ids]
        self.refused = [note for note in notes if note.door]
        self.tasks: dict[str, Task] = {}

    def read(self) -> dict[str, Task]:
        """Every record that the notes name and the store has."""
        ids = [note.ids[0] for note in self.notes]
        return {id: task for id in ids if (task := self.store.do(verbs.task(id)))}

    def figures(self) -> list[Figure]:
        """All that can be seen of the tasks."""
        self.tasks = self.read()
        found = [(note, self.tasks[note.ids[0]]) for note in self.notes if note.ids[0] in self.tasks]
        return [
            self._sums(found),
            none("lost: accepted, and no record of it", verdict.lost(self.notes, self.tasks)),
            none("stuck: not ended", verdict.those(found, lambda note, task: task.state not in FINAL)),
            none("submitted twice: in the store, in nobody's notes", self._strangers()),
            none("one key, two tasks", (note.key for note in self.notes if len(set(note.ids)) > 1)),
            none("finished twice, or never", self._ends()),
            none("jobs whose outcome took effect twice", self.watch.twice()),
            none("changed after its end", verdict.those(found, verdict.changed)),
            none(
                "another end than intended",
                verdict.those(found, lambda note, task: not verdict.as_intended(note, task)),
            ),
            self._answers(found),
            self._dead_letters(found),
            none("refused at the door otherwise than intended", verdict.otherwise(self.refused)),
            none("accepted, to be refused", (note.key for note in self.notes if not note.case.accepted)),
            none("a key taken for another request", (note.key for note in self.notes if verdict.mistaken(note))),
            none("scheduled, and begun early", verdict.those(found, verdict.early)),
            none("durations below zero", self._disordered()),
            self._starts(found),
            none("indexes that contradict a record", self._indexes()),
        ]

    def at_rest(self) -> bool:
        """Whether nothing is under way any more, and who is gone is forgotten."""
        counts = self.store.do(verbs.counts())
        return not any(counts[state] for state in STATES if state not in FINAL) and not self.orphans()

    def orphans(self) -> list[str]:
        """Names in the group whose consumer is no process any more; a heartbeat outlives its consumer."""
        pids = {process.pid for process in self.stack.parents()}
        alive = {beat.name for beat in self.store.do(verbs.fleet()) if beat.pid in pids}
        return [name for name in self.store.do(verbs.names()) if name not in alive]

    # ── that each ended once, and rightly ──

    def _sums(self, found: list[Pair]) -> Figure:
        sorts = Counter(verdict.sort(note, task) for note, task in found)
        text = f"{len(self.notes)} = " + " + ".join(f"{n} {sort}" for sort, n in sorted(sorts.items()))
        differ = [] if sorts.total() == len(self.notes) else [f"that is {sorts.total()}"]
        return Figure("accepted = succeeded + failed as intended + cancelled", text, differ)

    def _ends(self) -> list[str]:
        ends = self.watch.ends
        return [f"{note.ids[0]}: {ends[note.ids[0]]}" for note in self.notes if len(ends[note.ids[0]]) != 1]

    def _answers(self, found: list[Pair]) -> Figure:
        done = [(note, task) for note, task in found if task.state == "succeeded"]
        wrong = verdict.those(done, lambda note, task: task.result != truth(note.case))
        wrong += verdict.those(done, lambda note, task: note.result not in (b"", task.result))
        seen = sum(bool(note.result) for note, _ in done)
        text = f"{len(done) - len(wrong)} of {len(done)}, {seen} read by clients"
        return Figure("answers, equal to plain Python's to the last bit", text, wrong)

    def _dead_letters(self, found: list[Pair]) -> Figure:
        with self.stack.server.client() as client:
            entries: Any = client.xrange(self.store.keys("dead"))
        letters = Counter(words["task"] for _, words in entries)
        due = {task.id for _, task in found if (task.error or {}).get("code") in BURIED}
        wrong = [f"{id}: {letters[id]}" for id in due if letters[id] != 1]
        wrong += [f"{id}: one too many" for id in letters if id not in due]
        return Figure("dead letters: one for each task that was given up", str(letters.total()), wrong)

    # ── that nothing else is in the store ──

    def _members(self) -> dict[str, list[str]]:
        with self.stack.server.client() as client:
            lists: Any = [client.zrange(self.store.keys("index_state", state), 0, -1) for state in STATES]
        return dict(zip(STATES, lists, strict=True))

    def _strangers(self) -> list[str]:
        known = {id for note in self.notes for id in note.ids}
        others = [id for ids in self._members().values() for id in ids if id not in known]
        tasks = [task for id in others if (task := self.store.do(verbs.task(id)))]
        return [f"{task.id} {task.kind}" for task in tasks if task.label == "chaos"]

    def _indexes(self) -> list[str]:
        stands: dict[str, list[str]] = defaultdict(list)
        for state, ids in self._members().items():
            for id in ids:
                stands[id].append(state)
        return [
            f"{id}: {stands[id]}, not {task.state}" for id, task in self.tasks.items() if stands[id] != [task.state]
        ]

    def _disordered(self) -> list[str]:
        """The times as they stand in the store: whoever reads a record is shown no negative duration."""
        fields = ("submitted_at", "started_at", "finished_at")
        with self.stack.server.client() as client:
            rows: Any = {id: client.hmget(self.store.keys("task", id), fields) for id in self.tasks}
        times = {id: [int(text) for text in row if text] for id, row in rows.items()}
        return [f"{id}: {row}" for id, row in times.items() if row != sorted(row)]

    # ── what the killing cost ──

    def _starts(self, found: list[Pair]) -> Figure:
        """Of innocent jobs, too long to be read ahead: how many starts were in vain, beside what explains them."""
        innocent = {task.id for note, task in found if note.case.data.get("part_seconds", 0) >= LONG_PART_S}
        done, died, reaped = self.watch.starts(innocent)
        kills, absences = self.faults["child killed"], self._absences()
        text = f"{done} jobs; {died} more for {kills} kills of a child, {reaped} more for {absences} absences"
        wrong = [f"{died} is more than the kills"] * (died > kills)
        wrong += [f"{reaped} is more than {CHILDREN} for each absence"] * (reaped > CHILDREN * absences)
        return Figure("starts lost: at most what was being computed", text, wrong)

    def _absences(self) -> int:
        """How often a consumer may have been away past its lease: alone, or all of them with the store."""
        fleet = len(self.store.do(verbs.fleet()))
        return sum(self.faults[kind] for kind in ALONE) + fleet * sum(self.faults[kind] for kind in TOGETHER)


def settle(at_rest: Callable[[], bool], limit_s: float) -> float:
    """Wait until all is at rest, at most so long; how long it took."""
    begun = time.monotonic()
    while not at_rest() and time.monotonic() < begun + limit_s:
        time.sleep(0.2)
    return time.monotonic() - begun
