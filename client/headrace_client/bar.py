"""How far it is: a bar that is drawn again on a terminal, a plain line at each tenth elsewhere. On standard error."""

import sys
from time import monotonic
from typing import TextIO

WIDTH = 30


class Bar:
    """Shows how much of something is done."""

    def __init__(self, label: str, out: TextIO | None = None) -> None:
        self._label, self._out = label, out or sys.stderr
        self._drawn = self._out.isatty()
        self._began, self._last = monotonic(), (-1, "")

    def show(self, done: int, total: int, note: str = "") -> None:
        """Tell it, if that is news."""
        fraction = done / total if total else 1.0
        step = (done if self._drawn else int(fraction * 10), note if self._drawn else "")
        if step == self._last:
            return
        self._last = step
        words = [f"{done}/{total}", f"{fraction:.0%}", note, self._left(fraction)]
        told = "  ".join(word for word in words if word)
        if not self._drawn:
            self._out.write(f"{self._label}: {told}\n")
        else:
            full = round(fraction * WIDTH)
            end = "\n" if done >= total else ""
            self._out.write(f"\r\x1b[2K{self._label}  [{'#' * full}{'-' * (WIDTH - full)}]  {told}{end}")
        self._out.flush()

    def _left(self, fraction: float) -> str:
        if not 0 < fraction < 1:
            return ""
        seconds = round((monotonic() - self._began) / fraction * (1 - fraction))
        return f"{seconds // 60}:{seconds % 60:02} left"
