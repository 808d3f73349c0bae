"""A delivery from the end of its task to its receiver, and what receivers may do."""

import base64
import hashlib
import hmac
import re
import time
from typing import Any

import pytest

from pipeline import verbs, webhooks
from pipeline.keys import PRIORITIES
from tests.webhooks.house import PAUSES, SHARE, Here, House
from tests.webhooks.receiver import Heard, Receiver, raw, status

ATTEMPTS = len(PAUSES.split(",")) + 1


def signatures(secret: str, heard: Heard) -> str:
    """What the standard says it is, by itself."""
    signed = f"{heard.id}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_the_end_of_a_task_is_told_signed_and_short(house: House, receiver: Receiver) -> None:
    (id,) = house.ended(receiver.url, metadata='{"desk":"rates"}', custom_id="row-7")
    with Here(house):
        (heard,) = receiver.until(1)
        delivery = house.until_state(id, "delivered")
    assert heard.path == "/hook?token=t0psecret"
    assert (heard.id, heard.headers["content-type"]) == (id, "application/json")
    assert abs(int(heard.headers["webhook-timestamp"]) - time.time()) < 60
    assert heard.headers["webhook-signature"] == signatures(house.secret, heard)
    timestamp = heard.told["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", timestamp)
    assert heard.told == {
        "type": "task.succeeded",
        "timestamp": timestamp,
        "data": {
            "task_id": id,
            "kind": "noop",
            "state": "succeeded",
            "label": "overnight",
            "metadata": {"desk": "rates"},
            "batch_id": None,
            "custom_id": "row-7",
            "error": None,
            "links": {"self": f"/tasks/{id}", "result": f"/tasks/{id}/result"},
        },
    }
    assert (delivery.attempts, delivery.last_status, delivery.last_error, delivery.next_at) == (1, 204, "", None)
    assert house.owed() == []


def _failed(house: House) -> None:
    (job,) = house.store.do(verbs.take("hand", 1, PRIORITIES, [], 3, SHARE, 86_400_000)).jobs
    error = {"code": "no_solution", "message": "m" * 5_000, "traceback": "secret"}
    assert house.store.do(verbs.fail(job, error, False, "hand", 0, 1.5, SHARE))


def _cancelled(house: House) -> None:
    (page,) = (house.store.do(verbs.page(state="queued")),)
    assert house.store.do(verbs.cancel(page.tasks[0].id, SHARE)) == "ok"


@pytest.mark.parametrize(("end", "state"), [(_failed, "failed"), (_cancelled, "cancelled")])
def test_every_end_is_told(house: House, receiver: Receiver, end: Any, state: str) -> None:
    (id,) = house.submitted(receiver.url)
    assert house.owed() == []
    end(house)
    with Here(house):
        (heard,) = receiver.until(1)
    assert (heard.told["type"], heard.told["data"]["task_id"]) == (f"task.{state}", id)
    error = heard.told["data"]["error"]
    assert error == ({"code": "no_solution", "message": "m" * 1_000} if state == "failed" else None)


def test_what_has_no_webhook_owes_nothing(house: House) -> None:
    house.ended("", 3)
    assert house.owed() == []


def test_a_batch_is_told_once_when_all_of_it_has_ended(house: House, receiver: Receiver) -> None:
    """Also when tasks end while others are still being submitted; a task's own webhook is told beside it."""
    batch = house.batch(receiver.url, 3)
    house.submitted("batch", 2, batch=batch)
    house.finish(2)
    assert house.owed() == [], "the rest is not submitted yet"
    (last,) = house.submitted(f"batch {receiver.url}", batch=batch)
    house.store.do(verbs.seal_batch(batch))
    assert house.owed() == []
    house.store.do(verbs.cancel(last, SHARE))
    house.store.do(verbs.seal_batch(batch))
    with Here(house):
        receiver.until(2)
        house.until_state(batch, "delivered")
        house.until_state(last, "delivered")
    (told,) = receiver.of(batch)
    assert told.told["type"] == "batch.finished"
    states = {"succeeded": 2, "failed": 0, "cancelled": 1}
    links = {"self": f"/batches/{batch}", "results": f"/batches/{batch}/results"}
    assert told.told["data"] == {"batch_id": batch, "label": "night", "states": states, "links": links}
    assert len(receiver.of(last)) == 1


def test_a_batch_that_ended_before_it_was_sealed_is_told_then(house: House, receiver: Receiver) -> None:
    batch = house.batch(receiver.url, 1)
    house.submitted("batch", 1, batch=batch)
    house.finish()
    assert house.owed() == []
    house.store.do(verbs.seal_batch(batch))
    assert house.owed() == [batch]


def test_it_is_tried_again_with_the_same_id_and_body_until_it_is_taken(house: House, receiver: Receiver) -> None:
    receiver.does = [status(500), status(429), status(200)]
    (id,) = house.ended(receiver.url)
    with Here(house):
        delivery = house.until_state(id, "delivered")
    assert len({(heard.id, heard.body) for heard in receiver.until(3)}) == 1
    assert all(heard.headers["webhook-signature"] == signatures(house.secret, heard) for heard in receiver.heard)
    assert (delivery.attempts, delivery.last_status) == (3, 200)


def test_after_the_last_attempt_it_is_given_up_where_people_see_it(house: House, receiver: Receiver) -> None:
    receiver.does = [status(503)]
    (id,) = house.ended(receiver.url)
    with Here(house):
        delivery = house.until_state(id, "given_up")
    assert (delivery.attempts, delivery.last_status) == (ATTEMPTS, 503) == (len(receiver.heard), 503)
    assert house.owed() == []
    assert [each.id for each in house.store.do(webhooks.deliveries("given_up", "local", 9))] == [id]
    assert house.store.do(webhooks.deliveries("given_up", "somebody", 9)) == []
    (entry,) = house.store.raw("XREVRANGE", house.store.keys("undelivered"), "+", "-")
    assert dict(zip(entry[1][::2], entry[1][1::2], strict=True))[b"error"] == b"status 503: not taken"
    # Once more, by hand: from the first attempt on, with the same id.
    receiver.does = [status(200)]
    assert house.store.do(webhooks.redeliver(id))
    with Here(house):
        assert house.until_state(id, "delivered").attempts == 1
    assert receiver.heard[-1].id == id
    assert house.store.do(webhooks.deliveries("given_up", "local", 9)) == []


def test_gone_ends_it_at_once(house: House, receiver: Receiver) -> None:
    receiver.does = [status(410)]
    (id,) = house.ended(receiver.url)
    with Here(house):
        assert house.until_state(id, "given_up").attempts == 1
    assert len(receiver.heard) == 1


def test_a_redirect_is_not_followed(house: House, receiver: Receiver) -> None:
    elsewhere = Receiver()
    try:
        receiver.does = [status(code, Location=elsewhere.url) for code in (302, 307, 308)]
        (id,) = house.ended(receiver.url)
        with Here(house):
            delivery = house.until_state(id, "given_up")
        assert delivery.last_error == "status 308: a redirect, which is not followed"
        assert elsewhere.heard == []
    finally:
        elsewhere.close()


def test_retry_after_makes_a_pause_longer_and_never_shorter(house: House, receiver: Receiver) -> None:
    receiver.does = [status(503, Retry_After="0"), status(503, Retry_After="3600")]
    (id,) = house.ended(receiver.url)
    with Here(house):
        delivery = house.until(id, lambda d: (d.next_at or 0) - (d.last_at or 0) > 1_000_000)
    assert 3_600_000 <= (delivery.next_at or 0) - (delivery.last_at or 0) <= 3_600_000 * 1.2 + 1


HUGE = b"x" * 1_000_000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (raw(b"HTTP/1.1 500 No\r\nContent-Length: 9000000000\r\n\r\n", *[HUGE] * 4), "status 500: not taken"),
        (raw(b"HTTP/1.1 200 OK\r\nX-Long: ", HUGE, b"\r\n\r\n"), "what came back is no answer of HTTP/1.1"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "what came back is no answer of HTTP/1.1"),
        (raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20), "what came back is no answer of HTTP/1.1"),
        (raw(b""), "what came back is no answer of HTTP/1.1"),
    ],
    ids=["huge body", "huge head", "another protocol", "only 1xx", "closes"],
)
def test_what_a_receiver_sends_back_costs_little(house: House, receiver: Receiver, answer: Any, error: str) -> None:
    receiver.does = [answer]
    (id,) = house.ended(receiver.url)
    with Here(house):
        assert house.until_state(id, "given_up").last_error == error


@pytest.mark.parametrize("slow", ["hangs", "a byte at a time"])
def test_an_attempt_has_a_time_limit_whatever_comes_meanwhile(hasty: House, receiver: Receiver, slow: str) -> None:
    receiver.does = [receiver.hang if slow == "hangs" else raw(b"HTTP/1.1 2", *[b"0"] * 100, pause_s=0.05)]
    (id,) = hasty.ended(receiver.url)
    with Here(hasty):
        assert hasty.until_state(id, "given_up").last_error == "no answer within 0.4 s"


def test_a_good_status_counts_whatever_follows_it(house: House, receiver: Receiver) -> None:
    receiver.does = [raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ not a chunk", HUGE)]
    (id,) = house.ended(receiver.url)
    with Here(house):
        assert house.until_state(id, "delivered").attempts == 1


def test_receivers_that_hang_hold_up_their_owner_and_nobody_else(house: House, receiver: Receiver) -> None:
    """Far more of them than slots, and all of them before the other owner's."""
    silent = Receiver()
    try:
        silent.does = [silent.hang]
        house.new_secret("slow")
        house.ended(silent.url, 150, owner="slow")
        house.ended(receiver.url, 1)
        with Here(house):
            receiver.until(1)
            assert len(silent.heard) <= 2 * 8, "the other owner's came in the first rounds"
            silent.ending.set()
    finally:
        silent.close()


def test_without_a_secret_nothing_is_sent(house: House, receiver: Receiver) -> None:
    (id,) = house.ended(receiver.url, owner="nobody")
    with Here(house):
        assert house.until_state(id, "given_up").last_error == "the owner has no secret to sign with"
    assert receiver.heard == []


def test_two_secrets_sign_while_one_is_changed_for_the_other(house: House, receiver: Receiver) -> None:
    second, third = house.new_secret(), house.new_secret()
    house.ended(receiver.url)
    with Here(house):
        (heard,) = receiver.until(1)
    assert heard.headers["webhook-signature"].split(" ") == [signatures(third, heard), signatures(second, heard)]
    newest, older = house.store.do(webhooks.secrets_of("local"))["local"]
    assert (newest.text, older.text) == ("", "")
    assert house.store.do(webhooks.remove_secret("local", older.id))
    assert not house.store.do(webhooks.remove_secret("local", older.id))
    house.ended(receiver.url)
    with Here(house):
        assert receiver.until(2)[1].headers["webhook-signature"] == signatures(third, receiver.heard[1])


def test_what_a_hand_wrote_stops_nothing_else(house: House, receiver: Receiver) -> None:
    keys = house.store.keys
    (id,) = house.submitted(receiver.url)
    house.store.raw("SET", keys("webhook", id), "a hand was here")
    (strange,) = house.submitted("javascript:alert(1)")
    assert sorted(house.finish(2)) == sorted([id, strange])
    house.store.raw("ZADD", keys("webhooks"), "1", "nonsense", "1", "two words more", "1", "GONE local", "1", "* *")
    with Here(house):
        house.until_state(id, "delivered")
        assert house.until_state(strange, "given_up").last_error == "the URL is no such URL"
    assert house.store.raw("ZCARD", keys("webhooks")) == 0


def test_what_is_owed_and_what_was_have_an_end(house: House, receiver: Receiver) -> None:
    """The store stays bounded: a record goes by itself, though nobody ever delivers."""
    day_ms = 86_400_000
    (id,) = house.ended(receiver.url)
    owed = house.store.raw("PTTL", house.store.keys("webhook", id))
    assert 29 * day_ms < owed <= 30 * day_ms
    with Here(house):
        house.until_state(id, "delivered")
    told = house.store.raw("PTTL", house.store.keys("webhook", id))
    assert 6 * day_ms < told <= 7 * day_ms
