"""Is the chain whole? Every line is hashed again, and the end is compared with the store's anchor.

What is found: a line that was changed (also by one space), taken out, put in, moved or copied; a file that is gone; an
end that was cut off, as far as the anchor, or a number and hash that somebody wrote down elsewhere, reach.
"""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from deploy.audit.chain import NOTHING, fields, hash_of, lines

MOST_FOUND = 20  # one wrong line makes more than one thing wrong


class Known(Struct, frozen=True):
    """The number and the hash of a line, from the store or from wherever somebody wrote them down."""

    seq: int
    sha256: str
    whence: str


class Verdict(Struct):
    """What was looked at, and what is wrong. `first` and `last` are numbers of lines; `told` is what lines say
    themselves of gaps: no fault of the chain."""

    lines: int = 0
    first: int = 0
    last: int = 0
    sha256: str = NOTHING
    wrong: list[str] = []
    told: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


def verify(folder: Path, known: list[Known], archived: bool = False) -> Verdict:
    """Look at every line. `archived`: earlier files may be kept elsewhere, so the chain may begin later."""
    verdict = Verdict(wrong=[], told=[])
    places = {each.seq: each for each in known if each.seq}
    for where, line in _lines(folder):
        seq, claimed = _look(verdict, where, line)
        each = places.pop(seq, None)
        if each and each.sha256 != claimed:
            verdict.wrong.append(f"{where}: line {seq} is {claimed[:16]}…, but {each.whence} knows {each.sha256[:16]}…")
    if verdict.first > 1 and not archived:
        verdict.wrong.append(f"the chain begins at line {verdict.first}: those before it are not here")
    for each in places.values():
        if each.seq > verdict.last:
            gone = f"lines {verdict.last + 1} to {each.seq}" if each.seq > verdict.last + 1 else f"line {each.seq}"
            verdict.wrong.append(f"the end is missing: {gone}, of which {each.whence} knows")
        elif each.seq >= verdict.first:
            verdict.wrong.append(f"line {each.seq} is not here, but {each.whence} knows it")
    return verdict


def _lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path, number, line in lines(folder):
        yield f"{path.name}:{number}", line


def _look(verdict: Verdict, where: str, line: bytes) -> tuple[int, str]:
    """Compare a line with the one before it; its number and its hash."""
    told, sha256 = fields(line), hash_of(line)
    seq = told.get("seq")
    seq = seq if isinstance(seq, int) else 0
    wrong = verdict.wrong
    if not sha256:
        wrong.append(f"{where}: this line is not what it was when it was written")
    if verdict.lines and seq != verdict.last + 1:
        wrong.append(f"{where}: line {seq} follows line {verdict.last}")
    elif told.get("previous") != (verdict.sha256 if verdict.lines or seq == 1 else told.get("previous")):
        wrong.append(f"{where}: line {seq} was written after another line than the one that stands before it")
    if told.get("event") == "audit.gap":
        verdict.told.append(f"{where}: {told.get('ts')}: {told.get('reason')}")
    verdict.first = verdict.first if verdict.lines else seq
    verdict.lines += 1
    verdict.last, verdict.sha256 = seq, sha256 or str(told.get("sha256", ""))
    return seq, verdict.sha256
