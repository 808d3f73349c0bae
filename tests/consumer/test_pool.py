"""Children of a real consumer: what they are, how they die, how fast they are replaced, what their jobs become."""

import contextlib
import errno
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from consumer.slot import NICE, Slot
from tests.consumer.house import Consumer, House, children, gone, until

REPLACED_S = 20.0  # for what takes a tenth of a second on a quiet machine


def test_children_hold_nothing_of_their_parents(house: House) -> None:
    """B26: nor does the death of thirty-two of them touch their parent's connections."""
    consumer = house.consumer("births", children=4).ready()  # of no other house: the whole session shares the server
    assert len(until(lambda: len(consumer.children()) == 4 and consumer.children())) == 4
    for pid in consumer.children():
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert len([link for link in links if link != os.devnull]) == 1
    with house.server.client() as client:
        names = {f"consumer:{consumer.name}", f"bell:{consumer.name}"}

        def links_of_the_parent() -> dict[str, str]:
            return {c["id"]: c["name"] for c in client.client_list() if c["name"].endswith(f":{consumer.name}")}

        until(lambda: names == set(links_of_the_parent().values()))
        before = links_of_the_parent()
        for _ in range(8):
            for pid in until(lambda: len(living(consumer)) == 4 and living(consumer)):
                os.kill(pid, signal.SIGKILL)
            assert house.finished(house.submit()).state == "succeeded"
        assert before == links_of_the_parent()  # deaths and births touch no connection


def living(consumer: Consumer) -> list[int]:
    """Its children, but those that are dead and not waited for yet."""
    return [pid for pid in consumer.children() if not gone(pid)]


def test_children_stand_back_for_whoever_answers(house: House) -> None:
    """On a full machine the parent renews, and gateways and store answer, before a child computes on."""
    consumer = house.consumer(children=2).ready()
    theirs = [os.getpriority(os.PRIO_PROCESS, pid) for pid in until(lambda: consumer.children())]
    assert set(theirs) == {min(19, os.getpriority(os.PRIO_PROCESS, consumer.pid) + NICE)}


def test_all_children_at_once_and_idle_ones_are_replaced(house: House, hold: Path) -> None:
    """B40: idle, then in the middle of a job each."""
    consumer = house.consumer(children=4).ready()
    for _ in range(5):
        before = until(lambda: len(consumer.children()) == 4 and consumer.children())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(partial(replaced, consumer, before), REPLACED_S)
    ids = [house.submit(hold=str(hold)) for _ in range(4)]
    house.running(*ids)
    before = consumer.children()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(partial(replaced, consumer, before), REPLACED_S)
    hold.unlink()
    assert [house.finished(id).attempts for id in ids] == [2] * 4
    assert not [pid for pid in consumer.children() if gone(pid)]  # no zombies


def replaced(consumer: Consumer, before: list[int]) -> bool:
    """Whether as many children live as before, and none is the same."""
    now = consumer.children()
    return len(now) == len(before) and not set(before) & set(now)


def test_children_that_die_while_they_start_are_replaced_too(house: House) -> None:
    """B40."""
    consumer = house.consumer(children=4)
    until(consumer.children)
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        for pid in children(consumer.pid):
            with contextlib.suppress(ProcessLookupError):  # the parent was as quick as we
                os.kill(pid, signal.SIGKILL)
    until(lambda: len(living(consumer)) == 4, REPLACED_S)
    assert house.finished(house.submit()).state == "succeeded"


def test_children_end_with_a_parent_that_is_killed(house: House) -> None:
    """B41: whatever they are doing."""
    consumer = house.consumer(children=2).ready()
    for deed in ("numpy", "c loop"):
        house.running(house.submit(do=deed))
    before = consumer.children()
    consumer.kill()
    started = time.monotonic()
    until(lambda: all(map(gone, before)), 30.0)  # what they are doing lasts for minutes, or for ever
    print(f"all gone {1000 * (time.monotonic() - started):.0f} ms after the parent's death")


@pytest.mark.parametrize(
    ("deed", "code"),
    [("start and sleep", "time_limit"), ("start and exit", "child_died"), ("close and sleep", "child_died")],
)
def test_what_a_job_does_outside_its_child_keeps_nobody_waiting(house: House, deed: str, code: str) -> None:
    """The end of a child counts, not only the end of its pipe: that a process which the job started holds open, or the
    job has closed while it goes on."""
    consumer = house.consumer().ready()
    started = time.monotonic()
    task = house.finished(house.submit(do=deed, seconds=60, time_limit_s=1.0))
    assert task.error is not None
    assert (task.state, task.error["code"], task.attempts) == ("failed", code, 3)
    assert time.monotonic() - started < 55, "as long as what the job has started, or longer"
    assert house.finished(house.submit()).state == "succeeded"
    assert consumer.process.poll() is None
    house.at_rest()
    for pid in sleepers(consumer):
        os.kill(pid, signal.SIGKILL)


def sleepers(consumer: Consumer) -> list[int]:
    """The processes that jobs of this consumer have started, and that have outlived it or their child."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text() == "sleep\n":
                ours = f"HEADRACE_NAME={consumer.name}\0".encode() in (entry / "environ").read_bytes()
                found += [int(entry.name)] * ours
    return found


def test_a_process_that_a_job_has_forked_ends_with_its_child(house: House, tmp_path: Path) -> None:
    """B41, a generation on."""
    house.consumer().ready()
    pid_file = tmp_path / "pid"
    assert house.finished(house.submit(do="fork and exit", seconds=60, pid_file=str(pid_file))).attempts == 3
    forked = int(until(lambda: pid_file.exists() and pid_file.read_text()))
    until(lambda: gone(forked), 30.0)  # by itself it would last for a minute
    house.at_rest()


def test_a_fork_that_is_refused_does_not_make_deaf(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signals that ask for a stop are held back across a fork, and come through again whatever comes of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(BlockingIOError):
        Slot(0, 100_000_000)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def refuse() -> int:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
