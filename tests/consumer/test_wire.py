"""Frames: whole whatever the socket does to them, and never a parent that blocks."""

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from consumer.wire import LENGTH, READ_BYTES, ChildWire, Wire

Ends = tuple[Wire, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    near, far = socket.socketpair()
    with near, far:
        yield Wire(near), far


def test_a_frame_that_comes_byte_by_byte_is_whole(ends: Ends) -> None:
    wire, far = ends
    frames = [b"first", b"", b"x" * 300]
    seen = []
    for byte in b"".join(LENGTH.pack(len(frame)) + frame for frame in frames):
        far.send(bytes([byte]))
        seen += wire.frames()
    assert seen == frames


def test_frames_that_come_together_are_told_apart(ends: Ends) -> None:
    wire, far = ends
    frames = [bytes([n]) * n for n in range(100)]
    far.send(b"".join(LENGTH.pack(len(frame)) + frame for frame in frames) + LENGTH.pack(7) + b"half")
    assert wire.frames() == frames
    far.send(b"two")
    assert wire.frames() == [b"halftwo"]


def test_reading_half_a_frame_or_nothing_does_not_block(ends: Ends) -> None:
    wire, far = ends
    assert wire.frames() == []
    far.send(LENGTH.pack(1000) + b"only the beginning")
    assert wire.frames() == []
    assert wire.frames() == []


def test_sending_to_one_who_does_not_read_does_not_block(ends: Ends) -> None:
    wire, far = ends
    frame = os.urandom(20_000_000)
    wire.send(frame)
    assert wire.unsent > 10_000_000
    wire.send(b"and another")
    got = bytearray()
    reader = threading.Thread(target=lambda: got.extend(read_all(far, len(frame) + 11 + 2 * LENGTH.size)))
    reader.start()
    while wire.unsent:
        wire.flush()
    reader.join()
    assert got == LENGTH.pack(len(frame)) + frame + LENGTH.pack(11) + b"and another"


def test_a_big_frame_is_whole_at_the_other_end(ends: Ends) -> None:
    wire, child = ends[0], ChildWire(ends[1])
    frame = os.urandom(10 * READ_BYTES + 1)
    sender = threading.Thread(target=child.send, args=(frame,))
    sender.start()
    seen: list[bytes] = []
    while not seen:
        seen = wire.frames()
    sender.join()
    assert seen == [frame]


def test_the_end_is_told_after_the_last_frame(ends: Ends) -> None:
    wire, far = ends
    far.send(LENGTH.pack(4) + b"last" + LENGTH.pack(9) + b"cut")
    far.close()
    assert wire.frames() == [b"last"]
    with pytest.raises(EOFError):
        wire.frames()


def test_an_end_with_frames_unread_is_an_end_too(ends: Ends) -> None:
    wire, far = ends
    wire.send(b"never read")
    far.close()  # Linux answers ECONNRESET now
    with pytest.raises(EOFError):
        wire.frames()


def test_sending_to_the_dead_is_left_to_the_next_read(ends: Ends) -> None:
    wire, far = ends
    far.close()
    wire.send(b"hello?")
    assert not wire.unsent
    with pytest.raises(EOFError):
        wire.frames()


def test_the_childs_end_waits_and_is_told_of_the_end(ends: Ends) -> None:
    wire, child = ends[0], ChildWire(ends[1])
    threading.Timer(0.05, wire.send, (b"late",)).start()
    assert child.frames() == [b"late"]
    wire.close()
    with pytest.raises(EOFError):
        child.frames()
    with pytest.raises(BrokenPipeError):
        child.send(b"too late")


def read_all(end: socket.socket, length: int) -> bytes:
    read = bytearray()
    while len(read) < length:
        read += end.recv(1_000_000)
    return bytes(read)
