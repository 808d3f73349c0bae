"""The proof itself: quiet on a store where all is well, and each figure wrong when a hand makes it so."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import redis

from deploy import processes
from pipeline.keys import Keys
from tests.chaos import left
from tests.chaos.cases import Case
from tests.chaos.load import Note
from tests.chaos.proof import Proof
from tests.chaos.stack import ChaosStack
from tests.chaos.watch import Watch
from tests.consumer.house import House
from tests.servers import Server

Hand = Callable[[redis.Redis, Keys, Note], object]


class Scene:
    """Two tasks that a real consumer has done, the notes of who asked for them, and the proof."""

    def __init__(self, house: House, server: Server) -> None:
        self.house, self.server, self.keys = house, server, house.store.keys
        house.consumer().ready()
        cases = [
            Case(name="one", kind="digest", data={"parts": 1, "seed": 1}),
            Case(name="many", kind="digest", data={"parts": 9, "part_seconds": 0.01, "seed": 2}),
        ]
        self.notes = [Note(case, case.name, time.time()) for case in cases]
        for note in self.notes:
            note.ids.append(house.submit(note.case.kind, **note.case.data))
        for note in self.notes:
            house.finished(note.ids[0])
        house.at_rest()

    def wrong(self) -> dict[str, list[str]]:
        """Each figure that is not as it must be."""
        parents = [found for consumer in self.house.consumers if (found := processes.read(consumer.pid))]
        stand_in = SimpleNamespace(settings=self.house.settings, server=self.server, parents=lambda: parents)
        watch = Watch(self.server, self.keys)
        watch.look()
        proof = Proof(cast(ChaosStack, stand_in), self.notes, watch, Counter())
        figures = [*proof.figures(), *left.in_the_store(proof)]
        return {figure.what: figure.wrong for figure in figures if figure.wrong}

    def saved(self) -> dict[str, bytes]:
        """Everything in the store, to be put back."""
        with redis.Redis(port=self.server.port, protocol=2) as client:
            return {key.decode(): client.dump(key) for key in client.keys(f"{self.keys.prefix}:*")}

    def restore(self, saved: dict[str, bytes]) -> None:
        """What it was, with an end for each key that must have one."""
        with redis.Redis(port=self.server.port, protocol=2) as client:
            client.delete(*client.keys(f"{self.keys.prefix}:*"))
            for key, value in saved.items():
                client.restore(key, 0 if self.keys.is_permanent(key) else 3_600_000, value)


@pytest.fixture(scope="module")
def scene(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene on an empty prefix, with nobody in it any more who would repair what a hand does."""
    house = House(server, tmp_path_factory.mktemp("scene"))
    scene = Scene(house, server)
    for consumer in house.consumers:
        consumer.stop()
    yield scene
    house.close()


def test_nothing_is_wrong_where_nothing_was_done(scene: Scene) -> None:
    assert scene.wrong() == {}


def _event(happened: str) -> Hand:
    return lambda hands, keys, note: hands.xadd(keys("events"), {note.ids[0]: happened})


def _record(**fields: str | int) -> Hand:
    return lambda hands, keys, note: [hands.hset(keys("task", note.ids[0]), *pair) for pair in fields.items()]


def _noted(**changes: Any) -> Hand:
    def change(hands: redis.Redis, keys: Keys, note: Note) -> None:
        for name, value in changes.items():
            setattr(note, name, value)

    return change


FINAL = msgspec.json.encode(
    {"state": "succeeded", "attempts": 1, "finished_at": "2026-01-01T00:00:00.000Z", "error": None}
)


def _copy(hands: redis.Redis, keys: Keys, note: Note) -> None:
    """The same submission once more: a task that is in nobody's notes."""
    other = "0" * 26
    hands.copy(keys("task", note.ids[0]), keys("task", other))
    hands.hset(keys("task", other), "label", "chaos")
    hands.zadd(keys("index_state", "succeeded"), {other: 0})


HANDS: dict[str, list[Hand]] = {
    "lost: accepted, and no record of it": [lambda hands, keys, note: hands.delete(keys("task", note.ids[0]))],
    "stuck: not ended": [_record(state="running")],
    "submitted twice: in the store, in nobody's notes": [_copy],
    "one key, two tasks": [lambda hands, keys, note: note.ids.append("another")],
    "finished twice, or never": [_event("succeeded"), _event("cancelled"), _noted(ids=["0" * 26])],
    "jobs whose outcome took effect twice": [
        lambda hands, keys, note: hands.xadd(keys("spans"), {"consumer": "c", f"{note.ids[0]} p0": "0 1 1 done"})
    ],
    "changed after its end": [_noted(final=FINAL)],
    "another end than intended": [_record(state="failed"), _record(state="cancelled")],
    "answers, equal to plain Python's to the last bit": [_record(result='{"parts":1}'), _noted(result=b"{}")],
    "dead letters: one for each task that was given up": [
        lambda hands, keys, note: hands.xadd(keys("dead"), {"task": note.ids[0]}),
        _record(error='{"code":"child_died"}'),
    ],
    "refused at the door otherwise than intended": [_noted(door="invalid_data")],
    "accepted, to be refused": [
        lambda hands, keys, note: setattr(note, "case", msgspec.structs.replace(note.case, expects="invalid_data"))
    ],
    "a key taken for another request": [
        lambda hands, keys, note: setattr(note, "case", msgspec.structs.replace(note.case, sent="mismatched"))
    ],
    "scheduled, and begun early": [_noted(sent_at=time.time() + 3600)],
    "durations below zero": [_record(started_at=1)],
    "starts lost: at most what was being computed": [
        lambda hands, keys, note: hands.xadd(keys("spans"), {"consumer": "c", f"{note.ids[0]} p0": "0 1 1 child_died"}),
        _event("reaped p0"),
    ],
    "indexes that contradict a record": [
        lambda hands, keys, note: hands.zadd(keys("index_state", "running"), {note.ids[0]: 0})
    ],
    "keys leaked": [
        lambda hands, keys, note: hands.persist(keys("task", note.ids[0])),
        lambda hands, keys, note: hands.zadd(keys("later"), {"somebody": 0}),
        lambda hands, keys, note: hands.hset(keys("shares"), "high:local", 1),
        lambda hands, keys, note: hands.xadd(keys("jobs", "low"), {"task": "t"}),
    ],
    "names of consumers that are gone": [
        lambda hands, keys, note: hands.xgroup_createconsumer(keys("jobs", "low"), "consumers", "somebody")
    ],
}


@pytest.mark.parametrize(("what", "number"), [(what, n) for what, all in HANDS.items() for n in range(len(all))])
def test_a_hand_that_meddles_is_seen(scene: Scene, what: str, number: int) -> None:
    saved, notes = scene.saved(), scene.notes
    scene.notes = [msgspec.structs.replace(note, ids=list(note.ids)) for note in notes]
    try:
        with scene.server.client() as hands:
            HANDS[what][number](hands, scene.keys, scene.notes[1])
        assert what in scene.wrong()
    finally:
        scene.restore(saved)
        scene.notes = notes
    assert scene.wrong() == {}
