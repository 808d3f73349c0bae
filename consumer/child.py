"""A child: takes a job from its pipe, calculates, puts the answer back (I10).

    Work ──▶ calc.execute ──▶ Value | Folding | Refused | Broke

It has no Redis, no settings, no log and no clock but the one that measures the job. It was forked from the parent
with calc imported and compiled, so it starts in milliseconds and shares the parent's memory.
Several small jobs come in one frame and are answered one by one, in order: when a child dies, the first job
without an answer is the one that it was doing.
"""

import contextlib
import ctypes
import errno
import gc
import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import Literal, NoReturn, Protocol

import msgspec
from msgspec import Struct

from calc import execute
from calc.errors import CalcError
from calc.kind import MAX_PARTIAL_BYTES

# Larger results and accumulators are not stored; they are refused where they arise, before they cross the pipe.
MOST_RESULT_BYTES = 8_000_000
# The data of so many tasks of many parts is kept on this side of the pipe, so that it crosses once.
KEPT_TASKS = 4
MOST_TRACEBACK_CHARS = 8_000
PR_SET_PDEATHSIG = 1
# The exit code of a child whose allocation failed: by it the parent knows the memory limit from any other end.
OUT_OF_MEMORY = 112

Step = Literal["whole", "part", "fold", "result"]


class Work(Struct, frozen=True, array_like=True):
    """A job as it crosses the pipe. `data` is None when the child still has it from an earlier job of the task."""

    step: Step
    kind: str
    task: str
    number: int
    data: bytes | None
    accumulator: bytes | None = None
    partials: list[bytes] = []
    last: bool = False


class Value(Struct, frozen=True, array_like=True, tag="value"):
    """A result (steps `whole` and `result`) or a partial (step `part`)."""

    value: bytes


class Folding(Struct, frozen=True, array_like=True, tag="folding"):
    """What folding a wave gave. `result` is there after the last wave, or when the kind says enough."""

    accumulator: bytes
    estimate: bytes | None
    result: bytes | None


class Refused(Struct, frozen=True, array_like=True, tag="refused"):
    """The calculation said no to its input: a CalcError, final."""

    code: str
    message: str


class Broke(Struct, frozen=True, array_like=True, tag="broke"):
    """Any other exception: a bug. `summary` is its last line, the traceback is for the dead letter."""

    summary: str
    traceback: str


class Answer(Struct, frozen=True, array_like=True):
    """What a child says of one job, how long it took, how many seconds of CPU, how many paths it simulated."""

    seconds: float
    what: Value | Folding | Refused | Broke
    cpu_s: float = 0.0
    paths: int = 0


class Pipe(Protocol):
    """This child's end of its pipe: both block, and raise EOFError or OSError when the parent is gone."""

    def fileno(self) -> int: ...
    def frames(self) -> list[bytes]: ...
    def send(self, frame: bytes) -> None: ...


def live(pipe: Pipe, parent: int) -> NoReturn:
    """All of a child's life, right after the fork; `parent` is the pid that forked it."""
    code = 1
    try:
        alone(pipe.fileno(), parent)
        serve(pipe)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except (EOFError, OSError, MemoryError) as end:
        code = OUT_OF_MEMORY if starved(end) else 0  # the parent is gone or has let go: the normal end
    finally:
        os._exit(code)  # never back into the parent's loop, of which this process is a copy


def alone(pipe: int, parent: int) -> None:
    """Tie this process to its parent's life and take everything from it but its pipe (I10). The order matters."""
    die_with(parent)
    os.register_at_fork(before=lambda: forker.append(os.getpid()), after_in_parent=forker.clear, after_in_child=follow)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)  # not closed: the next file would get the number, and a C library's print go into it
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor != pipe:
            close(descriptor)
    # Signals to the whole group (Ctrl-C, a supervisor) mean the parent: it lets its children finish.
    signal.set_wakeup_fd(-1)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.freeze()  # else the first full collection copies the memory that is shared with the parent


def die_with(parent: int) -> None:
    """The kernel kills this process when that one, which forked it, ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # the parent died before the line above


forker: list[int] = []  # while a job forks: this child's pid


def follow() -> None:
    """What a job has forked ends with its child."""
    die_with(forker.pop())


def close(descriptor: int) -> None:
    """Close a descriptor of the list, which also names the one that the listing itself had open."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def serve(pipe: Pipe) -> None:
    """Answer jobs, until the pipe ends. The first frame is empty and says: ready."""
    decode = msgspec.msgpack.Decoder(list[Work]).decode
    encode = msgspec.msgpack.Encoder().encode
    kept: dict[str, bytes] = {}
    execute.paths_simulated()  # those of the warm-up before the fork
    pipe.send(b"")
    while True:
        for frame in pipe.frames():
            for work in decode(frame):
                started, used = time.perf_counter(), time.process_time()
                what = calculate(work, kept)
                took, cpu_s = time.perf_counter() - started, time.process_time() - used
                pipe.send(encode(Answer(took, what, cpu_s, execute.paths_simulated())))


def calculate(work: Work, kept: dict[str, bytes]) -> Value | Folding | Refused | Broke:
    """Do one job. Every exception becomes an answer here, as text: nothing has to be unpickled.

    All but one: a process whose allocation failed is not to be trusted with the next job, and may be unable to answer.
    It ends, and its exit code says why.
    """
    try:
        if work.step == "whole" and work.data is not None:
            return within(MOST_RESULT_BYTES, execute.execute(work.kind, work.data))
        data = keep(kept, work.task, work.data)
        return STEPS[work.step](work, data)
    except CalcError as refusal:
        return Refused(refusal.code, storable(refusal.message))
    except Exception as bug:  # a bug of any sort is one job's, never the child's
        if starved(bug):
            raise MemoryError from bug
        summary = "".join(traceback.format_exception_only(bug)).strip()
        return Broke(storable(summary[:500]), storable(traceback.format_exc()[-MOST_TRACEBACK_CHARS:]))


def storable(text: str) -> str:
    """The text without what cannot be encoded: lone surrogates, which an exception may quote."""
    return text.encode(errors="backslashreplace").decode()


def starved(error: BaseException | None) -> bool:
    """Whether an allocation failed, here or in what led to this error. (mmap says it by an OSError.)"""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        error = error.__cause__ or error.__context__
    return False


def keep(kept: dict[str, bytes], task: str, data: bytes | None) -> bytes:
    """The data of a task, which becomes the last one used; the one unused for longest goes.

    The parent does the same with its own dict for each child, and so knows what the child still has.
    """
    had = kept.pop(task, None)
    kept[task] = data = data if data is not None else had if had is not None else b""
    if len(kept) > KEPT_TASKS:
        del kept[next(iter(kept))]
    return data


def run(work: Work, data: bytes) -> Value | Refused:
    return within(MAX_PARTIAL_BYTES, execute.run(work.kind, data, work.number))


def fold(work: Work, data: bytes) -> Folding | Refused:
    folding = execute.fold(work.kind, data, work.accumulator, work.partials, work.last)
    largest = within(MOST_RESULT_BYTES, max(folding.accumulator, folding.result or b"", key=len))
    if isinstance(largest, Refused):
        return largest
    return Folding(folding.accumulator, folding.estimate, folding.result)


def result(work: Work, data: bytes) -> Value | Refused:
    return within(MOST_RESULT_BYTES, execute.result(work.kind, data, work.accumulator or b""))


def within(most: int, value: bytes) -> Value | Refused:
    """The value, or a refusal because the store does not take one of its size."""
    if len(value) > most:
        return Refused("result_too_large", f"The answer has {len(value):,} bytes; at most {most:,} can be stored.")
    return Value(value)


STEPS: dict[Step, Callable[[Work, bytes], Value | Folding | Refused]] = {"part": run, "fold": fold, "result": result}
