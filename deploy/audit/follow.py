"""Reads what has happened since the last line, writes it, brings it to the disk, then anchors it in the store.

    read since the last line's place ──▶ lines ──▶ append, fsync ──▶ anchor ──▶ again

Whatever ends this program in between, the next start begins at the last line that counts: what was anchored is there,
what was written and not anchored is kept if it is whole, and what comes then is what comes after it.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.audit import bodies
from deploy.audit.bodies import Body
from deploy.audit.chain import Chain
from deploy.line import write_line
from pipeline import trail, verbs
from pipeline.record import FINAL
from pipeline.store import Store
from pipeline.trail import BEGINNING, Ended, Head, Place, Read, Record

ANCHOR_S = 5.0  # how often a place is anchored that no line tells: of events that end nothing
PAGE = 500  # records looked at in one step, where their events are gone


class Follower:
    """One audit. `step` is to be called for ever."""

    def __init__(self, store: Store, folder: Path, tell: bool = False) -> None:
        """Find where the chain ends, and say what is wrong with that. `tell`: show lines too. Raises StoreAway."""
        self._store = store
        self._tell = tell
        head = store.do(trail.head())
        self._chain = Chain(folder, head.seq)
        if self._chain.cut_bytes:
            write_line("audit", "warning", "audit.mended", folder=str(folder), bytes=self._chain.cut_bytes)
        end = self._chain.end
        self._place = head.place if head.seq == end.seq and end.seq else end.place
        self._known = self._chain.tail(self._place.at_ms)  # what else could be written twice
        self._anchored_at = 0.0
        if head.seq > end.seq:
            self._say_cut_off(head)
        elif not end.seq:
            self._write([bodies.noted("audit.began", self._place, self._now())])
        self._anchor()

    def step(self) -> bool:
        """Read and write what is new; whether there was anything. Raises StoreAway, and OSError when the disk fails."""
        read = self._store.do(trail.read(self._place))
        if not read.whole:
            self._bridge(read)
            return True
        if not read.all_actions:
            lost = "what people did was trimmed away before it was read"
            self._place = Place(self._place.events, BEGINNING)
            self._write([bodies.noted("audit.gap", self._place, self._now(), "warning", reason=lost)])
            return True
        before = self._place
        written = self._write(list(self._new(read)))
        self._place = Place(read.place, read.actions[-1].id if read.actions else before.actions)
        if written or time.monotonic() > self._anchored_at + ANCHOR_S:
            self._anchor()
        return self._place != before

    def close(self) -> None:
        """Let go of the files."""
        self._chain.close()

    def _new(self, read: Read) -> Iterator[Body]:
        for task, record in self._records(read.tasks):
            yield bodies.ended(task, record, Place(task.at, self._place.actions))
        for action in read.actions:
            yield bodies.did(action, Place(read.place, action.id))
        if read.tasks and int(read.tasks[-1].at.partition("-")[0]) > self._place.at_ms:
            self._known = set()

    def _bridge(self, read: Read) -> None:
        """The events after our place are gone: find in the records that are kept which tasks ended meanwhile."""
        from_ms, first = self._place.at_ms, read.first
        to_ms = int(first.partition("-")[0]) if first else self._now()
        self._known |= self._chain.tail(from_ms)
        found = 0
        for page in self._missed(from_ms, to_ms):
            lines = [bodies.ended(task, record, self._place, "record") for task, record in self._records(page)]
            self._write(sorted(lines, key=lambda line: (line["ts"], line["task_id"])))
            self._known |= {task.id for task in page}
            found += len(lines)
        self._place = Place(f"{first or BEGINNING}/0", self._place.actions)
        span = f"{bodies.time_text(from_ms)} to {bodies.time_text(to_ms)}"
        why = f"the events from {span} were gone before they were read"
        told = {"reason": why, "tasks": found}
        self._write([bodies.noted("audit.gap", self._place, self._now(), "warning", **told)])
        write_line("audit", "warning", "audit.gap", **told)
        self._anchor()

    def _records(self, tasks: list[Ended]) -> Iterator[tuple[Ended, Record]]:
        """What is not told yet, with its record."""
        new = [task for task in tasks if task.id not in self._known]
        return zip(new, trail.records(self._store, new), strict=True)

    def _missed(self, from_ms: int, to_ms: int) -> Iterator[list[Ended]]:
        for state in sorted(FINAL):
            cursor = ""
            while True:
                cursor, page = self._store.do(trail.missed(state, cursor, PAGE, from_ms, to_ms))
                yield page
                if not cursor:
                    break

    def _say_cut_off(self, head: Head) -> None:
        """Lines that were on the disk are not there any more. What their events still tell is written anew."""
        end = self._chain.end.seq
        self._chain.skip_to(head.seq)
        why = f"lines {end + 1} to {head.seq} are missing; the last of them was {head.sha256}"
        self._write([bodies.noted("audit.gap", self._place, self._now(), "error", reason=why)])
        write_line("audit", "error", "audit.gap", reason=why)

    def _write(self, new: list[Body]) -> int:
        written = self._chain.append(new)
        if self._tell:
            sys.stdout.buffer.write(written)
            sys.stdout.buffer.flush()
        return len(new)

    def _anchor(self) -> None:
        end = self._chain.end
        self._store.do(trail.anchor(Head(end.seq, end.sha256, self._place)))
        self._anchored_at = time.monotonic()

    def _now(self) -> int:
        return self._store.do(verbs.clock())
