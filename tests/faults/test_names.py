"""Names of consumers in the group: removed when they hold nothing, and only then."""

import time
from collections import Counter
from pathlib import Path

from consumer.figures import Figures
from consumer.reaper import Reaper
from pipeline import verbs
from pipeline.keys import GROUP, PLACES
from tests.consumer.house import House, until
from tests.faults.settle import settled, submit_many


def tidy(house: House) -> None:
    """What each consumer's reaper does every 30 s, done now."""
    Reaper(house.store, "nobody", house.settings, lambda: 256, Figures(Counter())).remove()


def known(house: House) -> set[str]:
    """The names that redis-cli shows, on any stream."""
    with house.server.client() as client:
        found = {row["name"] for p in PLACES for row in client.xinfo_consumers(house.store.keys("jobs", p), GROUP)}
    return found - {"reaper"}


def forget_heartbeats(house: House, names: set[str]) -> None:
    """What their TTL of 15 s does."""
    with house.server.client() as client:
        client.delete(*(house.store.keys("consumer", name) for name in names))


def test_a_dead_consumers_name_goes_after_its_work_and_not_before(house: House, hold: Path) -> None:
    """B33: it held eight jobs and is gone for good, others come and go: eight results, then the name goes."""
    dead = house.consumer("dead", children=8).ready()
    ids = submit_many(house, 8, "act", hold=str(hold))
    until(lambda: house.ask(verbs.depth())["medium"] == (0, 8))
    dead.kill()
    forget_heartbeats(house, {"dead"})
    tidy(house)
    assert "dead" in known(house), "its name went while it held jobs: so did they"
    hold.unlink()
    house.consumer("up").ready()
    house.consumer("down").ready().stop()
    for consumer in house.consumers[1:]:
        if consumer.process.poll() is None:
            assert {task.state for task in settled(house, ids)} == {"succeeded"}
    house.consumer("more").ready()
    until(lambda: {"up", "more"} <= known(house))  # from its first take on
    tidy(house)
    assert "dead" not in known(house)
    assert {"up", "more"} <= known(house)


def test_restarts_leave_no_names_behind(house: House) -> None:
    """B34: fifteen starts, most stopped and some killed: the living are listed, the stopped are gone at once."""
    killed = set()
    for n in range(15):
        consumer = house.consumer(f"pod-{n}", children=1).ready()
        until(lambda consumer=consumer: consumer.name in known(house))
        if n % 4 == 3:
            consumer.kill()
            killed.add(consumer.name)
        else:
            consumer.stop()
    alive = house.consumer("alive", children=1).ready()
    until(lambda: known(house) == killed | {alive.name})
    forget_heartbeats(house, killed)
    tidy(house)
    assert known(house) == {alive.name}
    assert house.finished(house.submit("noop")).state == "succeeded"


def test_every_living_consumer_keeps_its_name_while_it_waits(house: House) -> None:
    """B34: to tidy is not to remove those that merely have nothing to do."""
    for name in ("a", "b"):
        house.consumer(name, children=1).ready()
    until(lambda: {beat.name for beat in house.ask(verbs.fleet())} == {"a", "b"})
    for _ in range(5):
        tidy(house)
        time.sleep(0.1)
    assert known(house) == {"a", "b"}
