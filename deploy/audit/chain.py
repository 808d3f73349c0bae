"""The chain: lines, each with the hash of the one before it and its own; and the files that hold them.

    {"seq":7,…,"previous":"<sha256 of line 6>","sha256":"<of all the bytes before this field>"}

A line counts when it is on the disk. What a machine's fall left behind the last line that counts is cut off at the
next start; nothing that counts is ever touched.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pipeline.trail import Place

NOTHING = "0" * 64  # what the first line has before it
MOST_BYTES = 64_000_000  # of a file; the next line begins another
_SEAL = b',"sha256":"'
_EVENT = re.compile(r"\d+-\d+/\d+")
_TAIL = len(_SEAL) + 64 + len(b'"}')

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Link(Struct, frozen=True):
    """What the next line needs to know of the last one, and where it says that the reading stood."""

    seq: int = 0
    sha256: str = NOTHING
    place: Place = Place()


def seal(body: dict[str, Any]) -> tuple[bytes, str]:
    """A line: its fields, and the hash of them; and that hash."""
    opened = _encode(body)[:-1]
    sha256 = hashlib.sha256(opened).hexdigest()
    return b'%b%b%b"}\n' % (opened, _SEAL, sha256.encode()), sha256


def hash_of(line: bytes) -> str:
    """The hash that a line bears, where it is also the hash of its bytes; "" where it is not."""
    opened, sealed = line[:-_TAIL], line[-_TAIL:]
    sha256 = hashlib.sha256(opened).hexdigest()
    return sha256 if sealed == _SEAL + sha256.encode() + b'"}' else ""


def fields(line: bytes) -> dict[str, Any]:
    """The fields of a line; none of what is no JSON object."""
    try:
        told = _decode(line)
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def place_of(told: dict[str, Any]) -> Place:
    """Where the reading stood when a line was written."""
    events, _, actions = str(told.get("after", "")).partition(" ")
    return Place(events, actions) if _EVENT.fullmatch(events) and actions else Place()


def previous_of(line: bytes) -> str:
    """The hash of the line before it, as this line tells it."""
    return str(fields(line).get("previous", ""))


def link_of(line: bytes) -> Link:
    """What comes after this line follows."""
    told = fields(line)
    seq = told.get("seq")
    return Link(seq if isinstance(seq, int) else 0, hash_of(line), place_of(told))


def files(folder: Path) -> list[Path]:
    """The files of the chain, in order: each is named by its first line's number."""
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdigit())


def lines(folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    """Every line of the chain: its file, its number there, its bytes without the end of line.

    What has no such end is no line: it is being written, or what a machine's fall left of one.
    """
    for path in files(folder):
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield path, number, line[:-1]


class Chain:
    """The end of the chain, where lines are appended. `end` is its last line."""

    def __init__(self, folder: Path, anchored: int) -> None:
        """Find the end. Lines up to `anchored` are left as they are; beyond it only those that follow count."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._path: Path | None = None
        self._descriptor = -1
        self.end = Link()
        self.cut_bytes = 0
        paths = files(folder)
        while paths and not self._find_end(paths[-1], anchored):
            paths.pop().unlink()  # a file was begun, and nothing in it counts

    def append(self, bodies: Sequence[dict[str, Any]]) -> bytes:
        """Write lines and bring them to the disk; answers them. Raises OSError; then it is not known what is there, and
        the next start finds out."""
        written = []
        first, seq, sha256 = self.end.seq + 1, self.end.seq, self.end.sha256
        for body in bodies:
            seq += 1
            line, sha256 = seal({"seq": seq, **body, "previous": sha256})
            written.append(line)
        if written:
            self.end = Link(seq, sha256, place_of(bodies[-1]))
            self._open(first)
            _write(self._descriptor, b"".join(written))
            os.fsync(self._descriptor)
        return b"".join(written)

    def skip_to(self, seq: int) -> None:
        """Number the next line as if this one were there: it was, as the anchor says."""
        self.end = Link(seq, self.end.sha256, self.end.place)

    def tail(self, at_ms: int) -> set[str]:
        """The tasks in the lines at the end whose events are not older, or which were found without events."""
        found: set[str] = set()
        for path in reversed(files(self._folder)):
            for line in reversed(path.read_bytes().splitlines()):
                told = fields(line)
                if place_of(told).at_ms < at_ms and told.get("source") != "record":
                    return found
                found.add(str(told.get("task_id", "")))
        return found

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _find_end(self, path: Path, anchored: int) -> bool:
        """Whether the chain ends in this file; what follows its end is cut off."""
        self._path, at, end = path, 0, 0
        last = Link(int(path.stem) - 1, "")
        with path.open("rb") as file:
            for line in file:
                at += len(line)
                link, complete = link_of(line.rstrip(b"\n")), line.endswith(b"\n")
                follows = link.sha256 and link.seq == last.seq + 1 and (not end or previous_of(line) == last.sha256)
                if not complete or (last.seq >= anchored and not follows):
                    break
                last, end = (link, at) if link.seq > last.seq else (Link(last.seq + 1, link.sha256, last.place), at)
            size = os.fstat(file.fileno()).st_size
        if end < size:
            self.cut_bytes += size - end
            os.truncate(path, end)
        self.end = last
        return end > 0

    def _open(self, first: int) -> None:
        if self._path and self._path.stat().st_size >= MOST_BYTES:
            self.close()
            self._path = None
        if self._descriptor >= 0:
            return
        new = self._path is None
        path = self._path = self._path or self._folder / f"{first:012d}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        if new:
            _to_disk(self._folder)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
