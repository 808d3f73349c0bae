"""Children of a real consumer: what they are, how they die, how fast they are replaced, what their jobs become."""

import contextlib
import os
import signal
import time
from functools import partial

from consumer.slot import NICE
from tests.consumer.house import Consumer, House, children, gone, until


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
            for pid in consumer.children():
                os.kill(pid, signal.SIGKILL)
            assert house.finished(house.submit()).state == "succeeded"
        assert before == links_of_the_parent()  # deaths and births touch no connection


def test_children_stand_back_for_whoever_answers(house: House) -> None:
    """On a full machine the parent renews, and gateways and store answer, before a child computes on."""
    consumer = house.consumer(children=2).ready()
    theirs = [os.getpriority(os.PRIO_PROCESS, pid) for pid in until(lambda: consumer.children())]
    assert set(theirs) == {min(19, os.getpriority(os.PRIO_PROCESS, consumer.pid) + NICE)}


def test_all_children_at_once_and_idle_ones_are_replaced(house: House) -> None:
    """B40: idle, then in the middle of a job each."""
    consumer = house.consumer(children=4).ready()
    for _ in range(5):
        before = until(lambda: len(consumer.children()) == 4 and consumer.children())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(partial(replaced, consumer, before), 3.0)
    ids = [house.submit(do="sleep", seconds=0.5) for _ in range(4)]
    for id in ids:
        house.running(id)
    before = consumer.children()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(partial(replaced, consumer, before), 3.0)
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
    until(lambda: len([pid for pid in consumer.children() if not gone(pid)]) == 4, 3.0)
    assert house.finished(house.submit()).state == "succeeded"


def test_children_end_with_a_parent_that_is_killed(house: House) -> None:
    """B41: whatever they are doing."""
    consumer = house.consumer(children=2).ready()
    for deed in ("numpy", "c loop"):
        house.running(house.submit(do=deed))
    before = consumer.children()
    consumer.kill()
    started = time.monotonic()
    until(lambda: all(map(gone, before)), 1.0)
    print(f"all gone {1000 * (time.monotonic() - started):.0f} ms after the parent's death")
