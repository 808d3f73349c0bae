"""Finding tasks: by owner, error, priority, label, time, words of their data; what a list says of their results."""

import re
from datetime import datetime
from urllib.parse import urlencode

import pytest

from gateway import openapi_pieces
from pipeline import verbs
from pipeline.ids import minted_at
from pipeline.record import Done
from tests.gateway.house import SEED, SHARE, House, problem


async def found(h: House, query: str) -> list[str]:
    """The ids of a list, and that counting and listing agree."""
    answer = await h.get(f"/tasks?{query}")
    assert answer.status_code == 200, answer.text
    ids = [task["task_id"] for task in answer.json()["tasks"]]
    counted = (await h.get(f"/tasks/count?{query}")).json()
    assert counted == {"count": len(ids), "exact": True}
    return ids


def test_tasks_are_found(house: House) -> None:
    async def story(h: House) -> None:
        plain = await h.submitted()
        high = await h.submitted(SEED | {"priority": "high", "label": "Nightly VaR, EQ-7"})
        book = await h.submitted(SEED | {"metadata": {"book": "EQ-7"}})
        rich = await h.submitted({"data": {"amount": 123456.75, "rate": 0.05}})
        failed = h.fail("child_died")
        assert failed == high
        assert await found(h, "error=child_died") == [high]
        assert await found(h, "error=child_died&kind=compound_interest&owner=local&state=failed") == [high]
        assert await found(h, "error=time_limit") == []
        assert await found(h, "priority=high") == [high]
        assert await found(h, "label=nightly") == [high]
        assert await found(h, "text=eq-7") == [book, high]
        assert await found(h, "text=123456.75") == [rich]
        assert await found(h, "owner=nobody") == []
        assert await found(h, "owner=local") == [rich, book, high, plain]
        at = (await h.get(f"/tasks/{book}")).json()["submitted_at"]
        newer = await found(h, f"since={at}")
        at_ms = round(datetime.fromisoformat(at).timestamp() * 1000)
        assert rich in newer
        assert all(minted_at(id) >= at_ms for id in newer), "a gateway's clock may be some ms ahead of the store's"
        assert sorted(newer + await found(h, f"until={at}")) == sorted([plain, high, book, rich])
        assert await found(h, "since=2020-01-01T00:00:00%2B05:45&until=2021-01-01T00:00:00Z") == []

    house.tell(story)


def test_several_values_are_one_of_them_and_a_minus_none_of_them(house: House) -> None:
    async def story(h: House) -> None:
        high = await h.submitted(SEED | {"priority": "high", "label": "Nightly, EQ-7"})
        low = await h.submitted(SEED | {"priority": "low", "label": "health check"})
        rich = await h.submitted({"data": {"amount": 123456.75, "rate": 0.05}})
        option = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": 0.03, "volatility": 0.2, "seed": 1}
        call = await h.submitted({"kind": "option_european", "data": option})
        assert h.fail("child_died") == high
        assert await found(h, "priority=high&priority=low") == [low, high]
        assert await found(h, "label=nightly&label=health") == [low, high]
        assert await found(h, "-label=health") == [call, rich, high]
        assert await found(h, "-label=health&-label=nightly&state=queued&state=failed") == [call, rich]
        assert await found(h, "-state=failed") == [call, rich, low]
        assert await found(h, "state=failed&-state=failed") == []
        assert await found(h, "kind=compound_interest&kind=option_european&-kind=compound_interest") == [call]
        assert await found(h, "-error=child_died&-priority=low") == [call, rich]
        assert await found(h, "data.amount=123456.75") == [rich]
        assert await found(h, "data.amount=>20000&data.rate=0.05") == [rich]
        assert await found(h, "data.amount=1..20000&data.amount=123456.75&-priority=low") == [rich, high]
        assert await found(h, "data.type=call&data.volatility=<0.3") == [call]
        assert await found(h, "result.total=>0") == []
        assert await found(h, "-waited=>1h&-ran=0ms..1d") == [call, rich, low]
        page = (await h.get("/tasks?-label=health&state=failed&state=queued&limit=1")).json()
        assert page["next"] == f"/tasks?-label=health&state=failed&state=queued&limit=1&cursor={call}"
        rest = (await h.get(page["next"])).json()
        assert [task["task_id"] for task in rest["tasks"]] == [rich]

    house.tell(story)


def test_a_rare_word_among_many_is_found_or_said_where_to_go_on(house: House) -> None:
    """A page that looks through records looks at ten thousand, a thousand a call, and no more."""

    async def story(h: House) -> None:
        needle = await h.submitted(SEED | {"label": "needle"})
        for _ in range(12):
            lines = [SEED | {"label": "hay"}] * 1000
            answer = await h.post(lines, "/tasks/batch")
            assert answer.json()["accepted"] == 1000, answer.text
        page = (await h.get("/tasks?label=needle")).json()
        assert page["tasks"] == []
        rest = (await h.get(page["next"])).json()
        assert [task["task_id"] for task in rest["tasks"]] == [needle]
        assert rest["next"] is None

    house.tell(story)


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("priority=urgent", "high, medium, low"),
        ("since=yesterday", "2026-11-25T10:00:00Z"),
        ("since=2026-11-25T10:00:00", "2026-11-25T10:00:00Z"),
        ("until=2026-11-31T10:00:00Z", "2026-11-25T10:00:00Z"),
        ("error=No+Such", "code of an error"),
        (f"label={'x' * 201}", "at most 200"),
        ("-state=fialed", "failed"),
        ("-kind=nope", "compound_interest"),
        ("waited=long", ">5s, <200ms, 5s..1m"),
        ("ran=>5", ">5s, <200ms, 5s..1m"),
        ("ran=>1e999s", ">5s, <200ms, 5s..1m"),
        ("ran=>1e100s", ">5s, <200ms, 5s..1m"),
        ("ran=96.0.06m..2d", ">5s, <200ms, 5s..1m"),
        ("-waited=216908ms....7ms", ">5s, <200ms, 5s..1m"),
        ("waited=%3E\u0665s", ">5s, <200ms, 5s..1m"),
        ("waited=>5s%0A", ">5s, <200ms, 5s..1m"),
        (f"waited=>{'9' * 200}s", "at most 200 characters"),
        ("data.spot=>=100", "a number above, below or between"),
        ("-result.price=<many", "a number above, below or between"),
        ("&".join(f"label={n}" for n in range(11)), "at most 10 values"),
        ("&".join(f"data.{n}=1" for n in range(41)), "at most 40 names"),
        (f"data.{'.'.join('abcdefghi')}=1", "data.…"),
        ("data.=1", "data.…"),
        ("-since=2026-11-25T10:00:00Z", "since"),
        ("since=2026-11-25T10:00:00Z&since=2026-11-25T11:00:00Z", "one since"),
    ],
)
def test_a_wrong_filter_is_told(house: House, query: str, allowed: str) -> None:
    async def story(h: House) -> None:
        (fault,) = problem(await h.get(f"/tasks?{query}"), 422, "invalid_query")["errors"]  # type: ignore[misc]
        assert allowed in fault["allowed"]

    house.tell(story)


def test_what_is_done_to_all_means_those_that_the_filter_lists(house: House) -> None:
    async def story(h: House) -> None:
        low = [await h.submitted(SEED | {"priority": "low", "label": f"desk {n}"}) for n in range(4)]
        await h.submitted()
        body = {"action": "cancel", "filter": {"priority": "low", "label": "desk"}, "expect_count": 4}
        problem(await h.post(body | {"expect_count": 5}, "/tasks/bulk"), 409, "count_changed")
        assert (await h.post(body, "/tasks/bulk")).json()["done"] == 4
        assert sorted(await found(h, "state=cancelled")) == sorted(low)
        for filter, path, allowed in [
            ({"since": "monday"}, "$.filter.since", "2026-11-25T10:00:00Z"),
            ({"stat": "queued"}, "$.filter.stat", "state, kind"),
            ({"state": ["queued", "failed"]}, "$.filter.state", "scheduled or queued or running"),
            ({"until": ["a", "b"]}, "$.filter.until", "one until"),
            ({"data.x": "y" * 201}, "$.filter.data.x", "at most 200"),
        ]:
            wrong = body | {"filter": filter}
            (fault,) = problem(await h.post(wrong, "/tasks/bulk"), 422, "invalid_request")["errors"]  # type: ignore[misc]
            assert fault["path"] == path
            assert allowed in fault["allowed"]
        both = {"state": ["queued", "scheduled"], "-label": ["desk"], "kind": "compound_interest", "label": ""}
        assert (await h.post(body | {"filter": both, "expect_count": 1}, "/tasks/bulk")).json()["done"] == 1
        over = {"state": "queued", "-state": "queued"}  # none is not all
        assert (await h.post(body | {"filter": over, "expect_count": 0}, "/tasks/bulk")).json()["matched"] == 0

    house.tell(story)


@pytest.mark.parametrize(
    ("result", "headline"),
    [
        (b'{"price":8.0210,"standard_error":{"price":0.1}}', '{"name":"price","value":"8.0210"}'),
        (b'{"status":"price","weights":[0.5,1],"risk":1e-05,"x":2}', '{"name":"risk","value":"1e-05"}'),
        (b'{"weights":{"a":0.5},"id":9007199254740993,"x":1}', '{"name":"id","value":"9007199254740993"}'),
        (b'{"said":"\\"price\\":1","ok":true,"none":null}', "null"),
        (b'{"last":12}', '{"name":"last","value":"12"}'),
        (b"[1,2]", "null"),
        (b"7", "null"),
    ],
)
def test_a_list_shows_the_first_number_of_a_result_as_it_was_sent(
    house: House, result: bytes, headline: object
) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        (job,) = h.take()
        assert h.store.do(verbs.finish_task([Done(job, result, 0, 1.5)], "hand", SHARE)) == [True]
        text = (await h.get("/tasks")).text
        assert f'"headline":{headline}' in text

    house.tell(story)


def test_a_time_is_what_the_document_says_that_it_is(house: House) -> None:
    """Whatever fits the pattern is taken, up to the longest and the largest."""
    (times,) = [each["schema"]["items"] for each in openapi_pieces.filters() if each["name"] == "waited"]
    digits = "9" * (times["maxLength"] - len("<e99d"))

    async def story(h: House) -> None:
        for value in (*times["examples"], "> 5s", "<-1.5e-3ms", ".5s...5s", "5.s..6.h", f"<{digits}e99d"):
            assert re.fullmatch(times["pattern"], value), value
            assert (await h.get(f"/tasks?{urlencode({'waited': value})}")).status_code == 200, value

    house.tell(story)
