"""A child over a real pipe: what it answers, what it holds, what it survives."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consumer.child import KEPT_TASKS, Answer, Folding, Refused, Step, Value, Work, keep
from consumer.wire import ChildWire
from tests.consumer.house import KINDS, REPO, gone, until

LIVE = f"""
import os, socket, sys
from calc import execute
from consumer import child, wire
execute.load({KINDS!r})
child.live(wire.ChildWire(socket.socket(fileno=int(sys.argv[1]))), int(sys.argv[2]))
"""


class Child:
    """A process that lives a child's life; this process is its parent."""

    def __init__(self, parent: int) -> None:
        near, far = socket.socketpair()
        self.wire = ChildWire(near)  # tests have the time to wait
        near.settimeout(60)
        command = [sys.executable, "-c", LIVE, str(far.fileno()), str(parent)]
        self.process = subprocess.Popen(command, cwd=REPO, pass_fds=[far.fileno()])
        far.close()
        self.pid = self.process.pid

    def end(self) -> None:
        self.wire.close()
        self.process.kill()
        self.process.wait()

    def ask(self, *works: Work) -> list[Any]:
        """Send jobs in one frame; answers what came of each."""
        self.wire.send(msgspec.msgpack.encode(works))
        answers: list[Any] = []
        while len(answers) < len(works):
            answers += [msgspec.msgpack.decode(frame, type=Answer).what for frame in self.wire.frames()]
        return answers


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child(os.getpid())
    assert child.wire.frames() == [b""]  # ready
    yield child
    child.end()


def work(step: Step = "whole", task: str = "t", part: int = 0, known: bool = False, **data: Any) -> Work:
    return Work(step, "act", task, part, None if known else msgspec.json.encode(data))


def test_it_answers_each_step(child: Child) -> None:
    assert child.ask(work()) == [Value(b'{"total":0,"text":""}')]
    assert child.ask(work("part", part=3, parts=4)) == [Value(b'{"value":3,"text":""}')]
    fold = Work("fold", "act", "t", 0, b'{"parts":4}', None, [b'{"value":1}', b'{"value":2}'], False)
    accumulator = b'{"total":3,"count":2,"text":""}'
    assert child.ask(fold) == [Folding(accumulator, b'{"estimate":3.0,"standard_error":0.0}', None)]
    last = Work("fold", "act", "t", 1, b'{"parts":4}', accumulator, [b'{"value":5}'], True)
    [folding] = child.ask(last)
    assert folding.result == b'{"total":8,"text":""}'
    assert child.ask(Work("result", "act", "t", 0, b'{"parts":4}', accumulator)) == [Value(b'{"total":3,"text":""}')]


def test_many_jobs_of_one_frame_are_answered_in_order(child: Child) -> None:
    answers = child.ask(*(work("part", part=n, parts=100) for n in range(100)))
    assert [msgspec.json.decode(answer.value)["value"] for answer in answers] == list(range(100))


def test_a_refusal_and_a_bug_are_answers(child: Child) -> None:
    assert child.ask(work(do="refuse")) == [Refused("as_asked", "Not with these numbers.")]
    [broke] = child.ask(work(do="raise"))
    assert broke.summary == "RuntimeError: as asked"
    assert "Traceback" in broke.traceback
    assert "in act" in broke.traceback
    [deep] = child.ask(work(do="recurse"))
    assert deep.summary.startswith("RecursionError")
    assert isinstance(child.ask(Work("whole", "no such kind", "t", 0, b"{}"))[0], Refused)
    assert isinstance(child.ask(Work("whole", "act", "t", 0, b"not JSON"))[0], Refused)
    assert child.ask(work()) == [Value(b'{"total":0,"text":""}')]  # it goes on


@pytest.mark.parametrize(("step", "size"), [("part", 2_000_000), ("whole", 8_000_000)])
def test_what_cannot_be_stored_is_refused_before_it_crosses(child: Child, step: Step, size: int) -> None:
    [answer] = child.ask(work(step, do="huge", number=size))
    assert isinstance(answer, Refused)
    assert answer.code == "result_too_large"
    [answer] = child.ask(work(step, do="huge", number=size - 100))
    assert isinstance(answer, Value)


def test_the_data_of_a_task_cross_once(child: Child) -> None:
    child.ask(work("part", "a", parts=8))
    assert child.ask(work("part", "a", part=5, known=True)) == [Value(b'{"value":5,"text":""}')]
    child.ask(*(work("part", f"other {n}", parts=8) for n in range(KEPT_TASKS)))
    [forgotten] = child.ask(work("part", "a", known=True))
    assert isinstance(forgotten, Refused)


def test_both_sides_forget_the_same_task() -> None:
    kept: dict[str, bytes] = {}
    for task in ("a", "b", "c", "d", "a", "e"):
        keep(kept, task, b"data of " + task.encode())
    assert list(kept) == ["c", "d", "a", "e"]
    assert keep(kept, "c", None) == b"data of c"
    assert list(kept) == ["d", "a", "e", "c"]


def test_it_holds_no_descriptor_but_its_pipe(child: Child) -> None:
    held = {int(fd): os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd")}
    assert [held.pop(standard) for standard in (0, 1, 2)] == [os.devnull] * 3
    [pipe] = [link for link in held.values() if link != os.devnull]
    assert pipe.startswith("socket:")


def test_polite_signals_do_not_reach_it(child: Child) -> None:
    child.process.send_signal(signal.SIGTERM)
    child.process.send_signal(signal.SIGINT)
    assert child.ask(work()) == [Value(b'{"total":0,"text":""}')]


def test_it_ends_when_its_pipe_ends(child: Child) -> None:
    child.wire.close()
    assert child.process.wait(60) == 0


def test_it_ends_when_nobody_reads_its_answer(child: Child) -> None:
    child.wire.send(msgspec.msgpack.encode([work(do="sleep", seconds=0.2)]))
    child.wire.close()
    assert child.process.wait(60) == 0


def test_it_does_not_begin_under_another_parent() -> None:
    child = Child(parent=1)
    with pytest.raises((EOFError, ConnectionResetError)):
        child.wire.frames()
    assert child.process.wait(60) == 0
    child.end()


def test_an_exit_has_its_code(child: Child) -> None:
    child.wire.send(msgspec.msgpack.encode([work(do="exit", number=3)]))
    assert child.process.wait(60) == 3


@pytest.mark.parametrize("deed", ["numpy", "c loop"])
def test_it_dies_with_its_parent_whatever_it_does(deed: str) -> None:
    """The parent is killed: prctl(PR_SET_PDEATHSIG) works where no code of the child's would."""
    middle = subprocess.Popen(
        [sys.executable, "-c", FORKS, deed], cwd=REPO, stdout=subprocess.PIPE, env=os.environ | ONE_THREAD
    )
    assert middle.stdout is not None
    pid = int(middle.stdout.readline())
    until(lambda: cpu_ticks(pid) > 10)  # busy
    middle.kill()
    started = time.monotonic()
    until(lambda: gone(pid), 30.0)  # it would last for minutes, or for ever
    print(f"gone {1000 * (time.monotonic() - started):.0f} ms after its parent, busy in {deed}")
    middle.wait()
    middle.stdout.close()


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
FORKS = f"""
import sys, time
from calc import execute
from consumer.slot import Slot
from pipeline.record import Job
execute.load({KINDS!r})
slot = Slot(0, 10**9)
while not slot.ready:
    slot.answers()
data = b'{{"do":"%s"}}' % sys.argv[1].encode()
slot.give(Job("medium/1-1", "t", "p0", 1, "act", "local", 1, 0, data, 60.0, 0, "", ""), False, data, None)
slot.send()
print(slot.pid, flush=True)
time.sleep(60)
"""


def cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[11])
