"""The roll of consumers: who has beaten, who went without a word.

A consumer that stops politely takes its name away while its last beat is fresh. One that has not beaten for QUIET_MS
is lost; it is shown for SHOWN_MS, with what its children had in hand, which others take after its lease.
"""

from collections.abc import Iterable

from msgspec import Struct

from pipeline.pulse import QUIET_MS
from pipeline.record import Beat

SHOWN_MS = 300_000
MOST = 100


class Lost(Struct, frozen=True):
    """A consumer that beats no more: its last beat."""

    beat: Beat
    gone_for_good: bool  # its heartbeat has expired, too


class Roll:
    """What this gateway has seen of the fleet."""

    def __init__(self) -> None:
        self._last: dict[str, Beat] = {}
        self._left_at: dict[str, int] = {}  # name → when it was first missed, by Redis' clock

    def note(self, beats: Iterable[Beat], now_ms: int) -> None:
        """The fleet as it is now."""
        here = {beat.name: beat for beat in beats}
        for name, last in list(self._last.items()):
            if name in here:
                self._left_at.pop(name, None)
            elif now_ms - last.beat_at < QUIET_MS:
                self._forget(name)  # it took its name away itself
            elif now_ms - last.beat_at > SHOWN_MS:
                self._forget(name)
            else:
                self._left_at.setdefault(name, now_ms)
        self._last.update(here)
        for name in list(self._last)[: max(0, len(self._last) - len(here) - MOST)]:
            if name not in here:
                self._forget(name)

    def lost(self, now_ms: int) -> list[Lost]:
        """Those that went without a word, the last one first."""
        quiet = [beat for beat in self._last.values() if QUIET_MS <= now_ms - beat.beat_at <= SHOWN_MS]
        quiet.sort(key=lambda beat: beat.beat_at, reverse=True)
        return [Lost(beat, beat.name in self._left_at) for beat in quiet]

    def _forget(self, name: str) -> None:
        self._last.pop(name, None)
        self._left_at.pop(name, None)
