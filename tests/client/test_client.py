"""What a program asks of the client: run, submit, wait, look again, and what it is told when something is wrong."""

import asyncio
import math
from decimal import Decimal
from pathlib import Path

import httpx
import numpy as np
import pytest
from headrace_client import (
    AsyncClient,
    Client,
    Conflict,
    InvalidData,
    NotFound,
    Refused,
    StillRunning,
    TaskCancelled,
    TaskFailed,
)

from tests.client.conftest import Stand
from tests.consumer.house import until

SEED = {"amount": 10000, "rate": 0.05}


def test_a_calculation_is_one_call(client: Client) -> None:
    result = client.run("compound_interest", SEED)
    assert result.total == result["total"] == 10511.62
    with pytest.raises(AttributeError, match=r"'totl' is none of total, interest"):
        _ = result.totl


def test_numbers_keep_their_digits_when_they_are_asked_to(stand: Stand) -> None:
    with Client(stand.url, number=Decimal) as client:
        assert repr(client.run("compound_interest", SEED).total) == "Decimal('10511.62')"


def test_a_task_is_submitted_looked_at_and_waited_for(client: Client, hold: Path) -> None:
    accepted = client.submit("act", {"hold": str(hold)}, label="slow", metadata={"desk": "fx"})
    assert (accepted.state, accepted.label) == ("queued", "slow")
    assert not client.look(accepted).ended
    hold.unlink()
    task = client.wait(accepted.task_id)
    assert task.ended
    assert (task.state, task.metadata, task.result) == ("succeeded", {"desk": "fx"}, {"total": 0, "text": ""})
    assert client.result(task) == task.result
    newest = next(client.tasks(kind="act", state="succeeded"))
    assert newest.task_id == task.task_id
    assert "result" not in newest


def test_lists_go_on_from_page_to_page(client: Client) -> None:
    ids = [client.submit("noop", {}).task_id for _ in range(5)]
    listed = client.tasks(kind="noop", page=2)
    assert [next(listed).task_id for _ in range(5)] == ids[::-1]


def test_patience_ends_and_the_task_goes_on(client: Client, stand: Stand, hold: Path) -> None:
    running = client.submit("act", {"hold": str(hold)}, idempotency_key="patience")
    stand.house.running(running.task_id)
    with pytest.raises(StillRunning, match=r"is running, 0% done\. It goes on") as caught:
        client.run("act", {"hold": str(hold)}, idempotency_key="patience", patience_s=0.6)
    hold.unlink()
    assert isinstance(caught.value, TimeoutError)
    assert client.wait(caught.value.problem["task_id"]).state == "succeeded"


def test_a_task_that_fails_says_why(client: Client) -> None:
    with pytest.raises(TaskFailed, match=r"^as_asked: Not with these numbers\.$") as caught:
        client.run("act", {"do": "refuse"})
    failed = caught.value.problem["task"]
    again = client.retry(failed)
    assert again.rerun_of == failed.task_id
    assert client.wait(again).error.code == "as_asked"
    with pytest.raises(Conflict, match="not_succeeded"):
        client.rerun(failed)


def test_a_cancelled_task_has_no_result(client: Client) -> None:
    task = client.submit("act", {"do": "sleep", "seconds": 30})
    given_up = client.cancel(task, "wrong curve")
    assert (given_up.state, given_up.cancel_reason) == ("cancelled", "wrong curve")
    assert client.cancel(task) == given_up
    with pytest.raises(TaskCancelled, match=f"{task.task_id}.*wrong curve"):
        client.result(task)


def test_a_rerun_compares_the_bits(client: Client) -> None:
    data = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": 0.05, "volatility": 0.2, "paths": 20_000}
    first = client.wait(client.submit("option_european", data))
    again = client.wait(client.rerun(first))
    assert again.rerun == {"of": first.task_id, "sha256": first.result_sha256, "same_bits": True}
    assert again.result == first.result


def test_wrong_fields_are_told_all_at_once_and_nothing_is_submitted(client: Client) -> None:
    with pytest.raises(InvalidData) as caught:
        client.submit("compound_interest", {"amount": -1, "raet": 0.05})
    assert {error["path"] for error in caught.value.errors} == {"$.data.amount", "$.data.raet", "$.data.rate"}
    assert "did you mean 'rate'" in str(caught.value)
    assert caught.value.request_id
    with pytest.raises(InvalidData, match="unknown_kind"):
        client.validate("option_europaen", {})
    with pytest.raises(Refused, match="years"):
        client.validate("compound_interest", SEED | {"years": 0.123})
    assert client.validate("compound_interest", SEED).data == SEED | {"periods": 12, "years": 1, "schedule": False}


def test_what_json_does_not_have_is_refused_here_with_its_place(client: Client) -> None:
    with pytest.raises(InvalidData, match=r"\$\.data\.rates\[1\] is nan: JSON has no such number"):
        client.submit("noop", {"rates": np.array([1.0, math.nan])})
    with pytest.raises(InvalidData, match=r"\$\.data\.a\.b is -inf"):
        client.submit("noop", {"a": {"b": -math.inf}})
    with pytest.raises(TypeError, match="set has no place in JSON"):
        client.submit("noop", {"a": {1, 2}})


def test_numbers_of_numpy_are_sent_as_numbers(client: Client) -> None:
    assert client.run("compound_interest", {"amount": np.float64(10000), "rate": np.array(0.05)}).total == 10511.62


def test_the_same_key_is_the_same_task_and_another_request_is_a_conflict(client: Client) -> None:
    first, again = (client.submit("noop", {}, idempotency_key="mine-1") for _ in range(2))
    assert first.task_id == again.task_id
    assert client.run("noop", {}, idempotency_key="mine-1") == client.result(first)
    with pytest.raises(Conflict, match="idempotency_mismatch"):
        client.submit("noop", {}, idempotency_key="mine-1", label="other")


def test_an_equal_calculation_answers_when_it_may(client: Client) -> None:
    data = SEED | {"amount": 123.25}
    first = client.wait(client.submit("compound_interest", data, cache="use"))
    again = client.submit("compound_interest", data, cache="use")
    assert (again.task_id, again.cached) == (first.task_id, True)


def test_ids_that_are_none_are_not_found_whatever_stands_in_them(client: Client) -> None:
    for id in ("01KAX3V5Q27M9K2P0Z4DX1C8TQ", "../kinds", "a b?c#d"):
        with pytest.raises(NotFound):
            client.look(id)


def test_kinds_come_with_data_that_work(client: Client) -> None:
    kinds = {kind.kind: kind for kind in client.kinds()}
    assert client.validate("loan", kinds["loan"].example).kind == "loan"
    assert client.kind("compound_interest").schema.properties.rate["x-unit"] == "per year"


def test_operators_pause_and_resume(client: Client) -> None:
    assert client.pause("low", "month's end")[2].paused.reason == "month's end"
    assert client.resume("low")[2].paused is None
    assert {queue.priority for queue in client.queues()} == {"high", "medium", "low"}
    assert client.queue("low").priority == "low"
    (worker,) = until(client.workers)
    assert len(worker.children) == 2


def test_dead_letters_are_read_and_removed(client: Client) -> None:
    task = client.wait(client.submit("act", {"do": "raise"}))
    letter = next(client.dead_letters())
    assert letter.task_id == task.task_id
    again = client.retry_dead_letter(letter.letter_id)
    assert (again.rerun_of, again.kind) == (letter.task_id, letter.kind)
    assert client.wait(again).state == "failed"
    letter = next(client.dead_letters())
    assert letter.task_id == again.task_id
    client.remove_dead_letter(letter.letter_id)
    assert letter.letter_id not in [each.letter_id for each in client.dead_letters()]
    with pytest.raises(NotFound):
        client.remove_dead_letter(letter.letter_id)


def test_events_tell_every_state(client: Client, hold: Path) -> None:
    task = client.submit("act", {"parts": 6, "at_part": 5, "hold": str(hold)})
    telling = client.events(task)
    events = [next(telling)]
    while events[-1].name != "progress":  # five of six are done at once, the last one is held
        events.append(next(telling))
    hold.unlink()
    events += telling
    states = [event.data.state for event in events if event.name != "progress"]
    assert states == ["queued", "running", "succeeded"]
    assert any(event.name == "progress" and event.data.progress.parts == 6 for event in events)
    assert events[-1].data.result.total == 15


def test_what_ends_a_line_in_a_text_ends_no_event(client: Client) -> None:
    label = "a\u2028b\u0085c\x1cd\x0be"
    task = client.submit("noop", {}, label=label)
    assert list(client.events(task))[-1].data.label == label
    assert client.gather(client.map("noop", [{}], label=label)).summary() == "1 of 1 succeeded"


def test_the_address_and_the_key_may_stand_in_the_environment(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_URL", stand.url + "/")
    monkeypatch.setenv("HEADRACE_API_KEY", "hr_viewer_1_2")
    with Client() as client:
        assert client.url == stand.url
        assert client.headers["Authorization"] == "Bearer hr_viewer_1_2"
    with pytest.raises(ValueError, match="begins with http"):
        Client("localhost:8080")


def test_the_same_for_asyncio(stand: Stand) -> None:
    async def story() -> None:
        async with AsyncClient(stand.url, patience_s=60) as client:
            results = await asyncio.gather(*(client.run("compound_interest", SEED) for _ in range(20)))
            assert {result.total for result in results} == {10511.62}
            task = await client.submit("act", {"parts": 3, "do": "sleep", "seconds": 0.1})
            names = [event.name async for event in client.events(task)]
            assert (names[0], names[-1]) == ("state", "end")
            batch = await client.map("noop", [{}] * 5)
            assert {item.index async for item in client.as_completed(batch)} == set(range(5))
            assert len((await client.gather(batch)).results()) == 5
            listed = [each.task_id async for each in client.tasks(kind="act", page=1)]
            assert listed[0] == task.task_id
            with pytest.raises(NotFound):
                await client.look("nobody")
            with pytest.raises(NotFound):
                await anext(client.events("nobody"))

    asyncio.run(story())


def test_a_client_that_is_closed_says_so(stand: Stand) -> None:
    client = Client(stand.url)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.kinds()


def test_what_was_told_is_the_answer_of_the_gateway(client: Client, stand: Stand) -> None:
    task = client.wait(client.submit("noop", {}))
    plain = httpx.get(f"{stand.url}/tasks/{task.task_id}").json()
    assert task == plain
