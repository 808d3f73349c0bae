"""Couriers, stores and receivers that go away at the worst moment: told at least once, with one id."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import verbs, webhooks
from pipeline.errors import StoreAway
from pipeline.webhooks import Claim
from tests import servers
from tests.consumer.house import until
from tests.webhooks.house import LIMIT_S, Here, House, Process
from tests.webhooks.receiver import Receiver, status
from webhooks.courier import LEASE_MARGIN_S

Start = Callable[..., Process]


def lease_over(house: House) -> None:
    """Time passes: what is claimed is due again."""
    key = house.store.keys("webhooks")
    for member in house.store.raw("ZRANGE", key, "0", "-1"):
        house.store.raw("ZADD", key, "XX", "1", member.decode())


def claim(house: House, most: int = 1) -> list[Claim]:
    return house.store.do(webhooks.claim(60_000, most, 8, 500, {}))


def test_one_that_dies_between_delivering_and_saying_so_tells_it_again_with_the_same_id(
    house: House, receiver: Receiver, couriers: Start
) -> None:
    receiver.does = [receiver.hang, status(204)]
    (id,) = house.ended(receiver.url)
    first = couriers(house)
    receiver.until(1)
    first.kill()
    (due,) = (int(house.store.raw("ZSCORE", house.store.keys("webhooks"), f"{id} local")),)
    assert 0 < due - house.store.do(verbs.clock()) <= (house.settings.webhook_time_limit_s + LEASE_MARGIN_S) * 1000
    second = couriers(house)
    lease_over(house)
    assert len({(heard.id, heard.body) for heard in receiver.until(2)}) == 1
    assert house.until_state(id, "delivered").attempts == 2
    assert second.stop() == 0


def test_two_at_once_tell_each_thing_once(house: House, receiver: Receiver, couriers: Start) -> None:
    for n in range(8):
        house.new_secret(f"desk-{n}")
        house.ended(receiver.url, 20, owner=f"desk-{n}")
    both = [couriers(house), couriers(house)]
    heard = Counter(each.id for each in receiver.until(160))
    assert len(heard) == 160
    assert set(heard.values()) == {1}
    while house.owed():
        time.sleep(0.01)
    assert [courier.stop() for courier in both] == [0, 0]
    did = [len(courier.lines("webhook.delivered")) for courier in both]
    assert sum(did) == 160


def test_killed_again_and_again_under_load_they_lose_nothing(
    house: House, receiver: Receiver, couriers: Start, first_seed: int
) -> None:
    chance = random.Random(first_seed)
    ids = set[str]()
    for _ in range(3):
        ids |= set(house.ended(receiver.url, 20))  # so many that there are enough to tell, however quick it is
        courier = couriers(house)
        receiver.until(len(receiver.heard) + chance.randint(1, 12))
        courier.kill()
        lease_over(house)
    with Here(house):
        while house.owed():
            lease_over(house)
            time.sleep(0.05)
    assert {each.id for each in receiver.heard} == ids, f"--seed {first_seed}"
    assert {house.delivery(id).state for id in ids} == {"delivered"}


def test_a_polite_stop_finishes_what_is_under_way(server: servers.Server, receiver: Receiver, couriers: Start) -> None:
    answer_now = threading.Event()
    receiver.does = [lambda handler: (answer_now.wait(LIMIT_S), status(204)(handler))[1]]
    house = House(server, webhook_time_limit_s=LIMIT_S)
    (id,) = house.ended(receiver.url)
    courier = couriers(house, HEADRACE_GRACE_S="60", HEADRACE_STOP_LIMIT_S="90")
    receiver.until(1)
    courier.process.send_signal(signal.SIGTERM)
    until(lambda: courier.lines("webhooks.stopping"))
    answer_now.set()
    assert courier.process.wait(LIMIT_S) == 0
    assert house.delivery(id).state == "delivered"
    assert [line["event"] for line in courier.lines()] == [
        *("webhooks.started", "webhooks.stopping", "webhook.delivered", "webhooks.stopped")
    ]
    house.store.close()


def test_a_stop_whose_grace_is_over_hands_back_what_is_left(
    server: servers.Server, receiver: Receiver, couriers: Start
) -> None:
    """At once and without an attempt, as a consumer does with its jobs."""
    house = House(server, webhook_time_limit_s=30.0)
    receiver.does = [receiver.hang, status(204)]
    (id,) = house.ended(receiver.url)
    courier = couriers(house, HEADRACE_GRACE_S="0.1")
    receiver.until(1)
    assert courier.stop() == 0
    assert house.delivery(id).attempts == 0
    with Here(house):
        assert house.until_state(id, "delivered").attempts == 1
    house.store.close()


def test_one_that_was_frozen_is_too_late_and_changes_nothing(house: House, receiver: Receiver, couriers: Start) -> None:
    receiver.does = [receiver.hang, status(204)]
    (id,) = house.ended(receiver.url)
    frozen = couriers(house)
    receiver.until(1)
    frozen.process.send_signal(signal.SIGSTOP)
    lease_over(house)
    with Here(house):
        told = house.until_state(id, "delivered")
    frozen.process.send_signal(signal.SIGCONT)
    until(lambda: frozen.lines("webhook.lost"))
    assert house.delivery(id) == told
    house.store.close()


def test_only_who_has_the_claim_may_say_what_came_of_it(house: House) -> None:
    (id,) = house.ended("https://hooks.example.com/")
    (first,) = claim(house)
    assert claim(house) == []
    lease_over(house)
    (second,) = claim(house)
    assert (second.number, second.delivery.attempts) == (first.number + 1, 2)
    before = house.delivery(id)
    for outcome in ("delivered", "given_up", "later", "not_tried"):
        assert not house.store.do(webhooks.outcome(first, outcome, 200, "", 5))  # type: ignore[arg-type]
    assert house.delivery(id) == before
    assert house.store.do(webhooks.outcome(second, "not_tried", None, ""))
    assert not house.store.do(webhooks.outcome(second, "not_tried", None, "")), "an attempt goes back once"
    (third,) = claim(house)
    assert third.delivery.attempts == 2
    assert house.store.do(webhooks.redeliver(id))
    assert not house.store.do(webhooks.outcome(third, "delivered", 200, "")), "it was asked for again meanwhile"
    (fourth,) = claim(house)
    assert all(house.store.do(webhooks.outcome(fourth, "delivered", 200, "")) for _ in range(2)), "its answer was lost"


def test_an_owner_has_so_many_under_way_and_the_rest_makes_room(house: House) -> None:
    house.ended("https://hooks.example.com/", 12)
    other = house.ended("https://hooks.example.com/", 1, owner="other")
    claimed = house.store.do(webhooks.claim(60_000, 64, 8, 500, {"local": 3}))
    assert Counter(each.delivery.owner for each in claimed) == {"local": 5, "other": 1}
    assert [each.delivery.id for each in claimed if each.delivery.owner == "other"] == other


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[servers.Server]:
    """A store that may be killed."""
    server = servers.Server(tmp_path / "store", servers.binaries()["valkey"]).start()
    yield server
    server.kill()


def test_a_store_that_is_killed_while_deliveries_are_under_way(
    mortal: servers.Server, receiver: Receiver, couriers: Start
) -> None:
    house = House(mortal)
    ids = set(house.ended(receiver.url, 30))
    courier = couriers(house)
    receiver.until(5)
    mortal.kill()
    mortal.start()
    with pytest.raises(StoreAway):  # on the connection that the old one had
        house.owed()

    def all_told() -> bool:
        lease_over(house)
        return not house.owed()

    until(all_told)
    assert {each.id for each in receiver.heard} == ids
    assert {house.delivery(id).state for id in ids} == {"delivered"}
    assert courier.stop() == 0
    house.store.close()


def test_a_full_store_still_takes_the_outcome(mortal: servers.Server, receiver: Receiver) -> None:
    house = House(mortal)
    ids = house.ended(receiver.url, 3)
    claims = claim(house, 3)
    with mortal.client() as plain:
        plain.config_set("maxmemory", 1)
    outcomes = ("delivered", "later", "given_up")
    for each, outcome in zip(claims, outcomes, strict=True):
        assert house.store.do(webhooks.outcome(each, outcome, 500, "x", 60_000))  # type: ignore[arg-type]
    assert sorted(house.delivery(id).state for id in ids) == ["delivered", "given_up", "pending"]
    house.store.close()


def test_the_log_names_the_receiver_and_keeps_every_secret(house: House, receiver: Receiver, couriers: Start) -> None:
    receiver.does = [status(500), status(204)]
    (id,) = house.ended(receiver.url)
    courier = couriers(house, HEADRACE_LOG_LEVEL="debug")
    house.until_state(id, "delivered")
    assert courier.stop() == 0
    log = courier.log.read_text()
    assert "t0psecret" not in log
    assert "whsec_" not in log
    assert house.secret.removeprefix("whsec_") not in log
    (failed,) = courier.lines("webhook.failed")
    assert (failed["task_id"], failed["receiver"]) == (id, f"127.0.0.1:{receiver.port}")
    assert (failed["status"], failed["attempt"], failed["owner"]) == (500, 1, "local")
