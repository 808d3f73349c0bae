"""Frames over a socketpair: four bytes of length, then that many bytes.

    parent ── Wire (never blocks) ═══════ ChildWire (blocks) ── child

Not multiprocessing's Pipe: it blocks its reader on half a frame, so a child that is stopped in the middle of an
answer would stop the parent, and with it the renewing of every lease (I13).
"""

import select
import socket
import struct

LENGTH = struct.Struct("<I")
READ_BYTES = 262_144


class Wire:
    """The parent's end. `send` writes what goes and keeps the rest; `frames` reads what is there."""

    blocking = False

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(self.blocking)
        self._end = end
        self._unsent = bytearray()
        self._unread = bytearray()

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def unsent(self) -> int:
        """How many bytes wait: only while there are any is EVENT_WRITE asked for, which calls `flush`."""
        return len(self._unsent)

    def send(self, frame: bytes) -> None:
        """Send a frame, or as much of it as the socket takes now."""
        self._unsent += LENGTH.pack(len(frame))
        self._unsent += frame
        self.flush()

    def flush(self) -> None:
        """Send as much as the socket takes now."""
        try:
            sent = self._end.send(self._unsent)
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            sent = len(self._unsent)  # the child is dead: the next read says so
        del self._unsent[:sent]

    def frames(self) -> list[bytes]:
        """The frames that are complete after one read. Raises EOFError when the other end is gone."""
        try:
            read = self._end.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            read = b""  # gone, with frames of ours unread
        if not read:
            raise EOFError
        self._unread += read
        return self._complete()

    def readable(self) -> bool:
        """Whether a read would bring something, be it the end."""
        return bool(select.select([self._end], [], [], 0)[0])

    def close(self) -> None:
        self._end.close()

    def _complete(self) -> list[bytes]:
        frames, at, unread = [], 0, self._unread
        while len(unread) - at >= LENGTH.size:
            end = at + LENGTH.size + LENGTH.unpack_from(unread, at)[0]
            if end > len(unread):
                break
            frames.append(bytes(unread[at + LENGTH.size : end]))
            at = end
        del unread[:at]
        return frames


class ChildWire(Wire):
    """The child's end: a child has nothing to do but to wait for its parent."""

    blocking = True

    def flush(self) -> None:
        """Send everything. Raises BrokenPipeError when the parent is gone."""
        self._end.sendall(self._unsent)
        self._unsent.clear()
