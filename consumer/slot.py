"""One of the four places for a child: its process, its pipe, the jobs in its hands.

    free ──give──▶ jobs[0] is what it does now, the rest is ready behind it ──answers, in order──▶ free

A slot lives as long as its child: the pool puts a new one in its place.
"""

import os
import selectors
import signal
import socket
import time
from collections import deque
from typing import Literal

import msgspec
from msgspec import Struct

from consumer import child
from consumer.child import Answer, Step, Work
from consumer.ear import STOPS
from consumer.memory import Allowance
from consumer.wire import ChildWire, Wire
from pipeline.record import Job, Wave

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# A child stands back for the parents, gateways, nginx and the store of its machine: they want little of a core, but at
# once. (The kernel takes what is above 19 for 19.)
NICE = 5

Why = Literal["", "timed out", "memory", "lost", "stopped", "silent"]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


class Given(Struct):
    """A job in a child's hands. Not `ours` any more: lost, or handed back while it waited behind a slow one."""

    job: Job
    ours: bool = True


class End(Struct, frozen=True):
    """How a child went: its exit code, negative for a signal, and the most memory it had of its own, in bytes."""

    code: int
    peak_bytes: int

    @property
    def how(self) -> str:
        """In words, for people."""
        if self.code == child.OUT_OF_MEMORY:
            return "an allocation failed"
        if self.code >= 0:
            return f"exit code {self.code}"
        return f"killed by signal {-self.code} ({signal.strsignal(-self.code)})"


class Slot:
    """A living child, seen from its parent."""

    def __init__(self, number: int, memory_limit_bytes: int) -> None:
        near, far = socket.socketpair()
        parent = os.getpid()
        self.number = number
        self.wire = Wire(near)
        self.born = self.since = time.monotonic()  # `since`: when the job at the head began
        self.ready = False  # its first, empty frame has come
        self.killed: Why = ""
        self.jobs: deque[Given] = deque()
        self.short = False  # whether the jobs in its hands are of kinds that have proved short or tiny
        self.kept: dict[str, bytes] = {}  # what `child.keep` holds at the other end
        self._frame: list[Work] = []
        # Across the fork, so that a child does not run the parent's handlers before it has set its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                child.live(ChildWire(far), parent)
        except OSError:
            near.close()
            far.close()
            raise
        finally:  # a fork that was refused must not leave us deaf to a stop
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        far.close()  # the child's copy is the last: when it dies, we read the end of the pipe
        try:
            self.allowance = Allowance(self.pid, memory_limit_bytes)
            os.setpriority(os.PRIO_PROCESS, self.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
        except OSError:  # without its limits it is not to work
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.wire.close()
            raise

    @property
    def busy(self) -> bool:
        """Whether it does something that is still ours."""
        return any(given.ours for given in self.jobs)

    @property
    def waiting(self) -> bool:
        """Whether jobs of ours wait behind the one that it does."""
        return len(self.jobs) > 1 and self.jobs[1].ours

    @property
    def watched(self) -> int:
        """What the selector shall watch."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self.wire.unsent else 0)

    def room(self, most: int) -> int:
        """How many more jobs it may have, when it may have so many. Behind a job that is not short: none."""
        if not self.ready or self.killed or (self.jobs and not self.short):
            return 0
        return max(0, most - len(self.jobs))

    def give(self, job: Job, short: bool, data: bytes, wave: Wave | None) -> None:
        """Put a job into the child's hands; `send` sends it, with all that are put meanwhile."""
        if not self.jobs:
            self.since = time.monotonic()
            self.short = short
        self.jobs.append(Given(job))
        self._frame.append(self._work(job, data, wave))

    def send(self) -> None:
        """Send what was given, in one frame."""
        if self._frame:
            self.wire.send(_encode(self._frame))
            self._frame.clear()

    def answers(self) -> list[tuple[Given, Answer]]:
        """What the child has answered. Raises EOFError when it is dead, DecodeError when it talks nonsense."""
        heard = []
        for frame in self.wire.frames():
            if not frame:
                self.ready = True
                continue
            answer = _decode(frame)
            if not self.jobs:
                raise msgspec.DecodeError("an answer without a job")
            heard.append((self.jobs.popleft(), answer))
        if heard:
            self.since = time.monotonic()
        return heard

    def ran_ms(self) -> float:
        """How long the job at the head has been running."""
        return (time.monotonic() - self.since) * 1000

    def kill(self, why: Why) -> None:
        """SIGKILL, which a stopped process obeys too. Its death is then read from the pipe."""
        if not self.killed:
            self.killed = why
            os.kill(self.pid, signal.SIGKILL)

    def has_died(self) -> bool:
        """Whether it is dead, also where the pipe does not say so: a process that its job has started holds it open."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def buried(self) -> End:
        """Wait for the dead child: how it went. One that has closed its pipe and lives on is killed, not waited for."""
        self.wire.close()
        os.kill(self.pid, signal.SIGKILL)  # of one that is ending or has ended it changes nothing
        _, status, usage = os.wait4(self.pid, 0)
        return End(os.waitstatus_to_exitcode(status), self.allowance.peak_bytes(usage.ru_maxrss * 1024))

    def usage(self) -> tuple[float, int]:
        """CPU seconds so far and resident bytes now."""
        try:
            with open(f"/proc/{self.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return 0.0, 0  # it died this moment
        return (int(fields[11]) + int(fields[12])) * TICK_S, int(fields[21]) * PAGE_BYTES

    def _work(self, job: Job, data: bytes, wave: Wave | None) -> Work:
        if job.step == "whole":
            return Work("whole", job.kind, job.task, 0, data)
        sent = None if job.task in self.kept else data
        child.keep(self.kept, job.task, data)
        if wave is None:
            return Work("part", job.kind, job.task, job.number, sent)
        step: Step = "fold" if job.step == "fold" else "result"
        return Work(step, job.kind, job.task, job.number, sent, wave.accumulator, wave.partials, wave.last)
