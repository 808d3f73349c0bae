"""Batches over HTTP: what is right is accepted, what is wrong is told line by line, and nothing is done twice."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import batch_lines, batch_tasks, limits
from pipeline import ids, verbs
from pipeline.errors import StoreAway
from tests.gateway.house import RESULT, SEED, SHARE, House, problem
from tests.gateway.process import running

NDJSON = {"Content-Type": "application/x-ndjson"}
GOOD = {"data": {"amount": 10000, "rate": 0.05}}
WRONG: list[tuple[bytes, str]] = [
    (b"not json", "malformed_json"),
    (b'{"data": {"amount": 1, "raet": 2}}', "invalid_data"),
    (b'{"data": {"amount": -1, "rate": 5}, "priority": "urgent"}', "invalid_request"),
    (b'{"kind": "nonsense", "data": {}}', "unknown_kind"),
    (b'{"data": {"amount": 1, "rate": 0.1}, "time_limit_s": 1e9}', "invalid_request"),
    (b'{"data": {"amount": 1, "rate": 0.1}, "cache": "use"}', "invalid_request"),
    (b'{"data": {"amount": 1, "rate": 0.1}, "delay_s": 1, "run_at": "2030-01-31T18:00:00Z"}', "invalid_request"),
    (b"\xff\xfe", "malformed_json"),
    (b"[]", "invalid_request"),
    (b"null", "invalid_request"),
    (b'{"data": {"amount": 1e999, "rate": 0.1}}', "invalid_data"),
]


def lines(*tasks: object) -> bytes:
    return b"".join((task if isinstance(task, bytes) else json.dumps(task).encode()) + b"\n" for task in tasks)


async def send(h: House, body: bytes, query: str = "", **headers: str) -> Response:
    """POST NDJSON."""
    sent = NDJSON | {name.replace("_", "-"): value for name, value in headers.items()}
    return await h.client.post(f"/tasks/batch{query}", content=body, headers=sent)


async def accepted(h: House, body: bytes, query: str = "", **headers: str) -> dict[str, Any]:
    answer = await send(h, body, query, **headers)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def results(h: House, id: str) -> list[dict[str, Any]]:
    answer = await h.get(f"/batches/{id}/results")
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_what_is_right_is_accepted_and_what_is_wrong_is_told(house: House) -> None:
    """Each wrong line with its number, its name, its code and every field; empty lines count but are no tasks."""

    async def story(h: House) -> None:
        wrong = b'{"custom_id": "two", "data": {"amount": -1, "raet": 2}}'
        body = lines(GOOD | {"custom_id": "one", "priority": "high", "metadata": {"desk": "rates"}}, wrong, b" ", GOOD)
        answer = await send(h, body, "?label=night%20run")
        told = answer.json()
        id = told["batch_id"]
        assert answer.headers["location"] == f"/batches/{id}" == told["links"]["self"]
        assert answer.headers["retry-after"] == "1"
        assert (told["accepted"], told["rejected_count"]) == (2, 1)
        (reject,) = told["rejected"]
        assert (reject["line"], reject["custom_id"], reject["code"]) == (2, "two", "invalid_data")
        assert {fault["pointer"] for fault in reject["errors"]} == {"/data/amount", "/data/raet", "/data/rate"}
        batch = (await h.get(told["links"]["self"])).json()
        assert {name: batch[name] for name in ("label", "lines", "accepted", "rejected", "finished", "forgotten")} == {
            "label": "night run",
            "lines": 3,
            "accepted": 2,
            "rejected": 1,
            "finished": False,
            "forgotten": 0,
        }
        assert batch["states"]["queued"] == 2
        (first, second) = h.finish(2)
        task = (await h.get(f"/tasks/{first}")).json()
        assert (task["custom_id"], task["batch_id"], task["metadata"]) == ("one", id, {"desk": "rates"})
        assert (await h.get(f"/tasks/{second}")).json()["custom_id"] is None
        assert (await h.get(f"/batches/{id}")).json()["finished"] is True
        assert (await h.get("/batches")).json()["batches"] == [(await h.get(f"/batches/{id}")).json()]

    house.tell(story)


@pytest.mark.parametrize(("line", "code"), WRONG)
def test_every_wrong_line_has_its_code(house: House, line: bytes, code: str) -> None:
    """As POST /tasks would say; the others are accepted. Alone it is a 422 that says it too."""

    async def story(h: House) -> None:
        told = await accepted(h, lines(GOOD, line, GOOD))
        assert [(reject["line"], reject["code"]) for reject in told["rejected"]] == [(2, code)]
        assert told["rejected"][0]["detail"]
        for query in ("", "?atomic=true"):
            body = problem(await send(h, lines(line, *[GOOD] * (query != "")), query), 422, "batch_rejected")
            assert str(body["detail"]).startswith("Line 1: ")
            assert str(body["wrong"][0]).startswith("line 1: ")  # type: ignore[index]
        assert h.store.do(verbs.counts())["queued"] == 2

    house.tell(story)


_line = st.one_of(
    st.builds(lambda n: lines(GOOD | {"custom_id": f"n{n}"}).rstrip(), st.integers(0, 5)),
    st.sampled_from([line for line, _ in WRONG]),
    st.just(b""),
    st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b"")),
    st.recursive(
        st.none() | st.floats() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=5), inner)
    ).map(lambda value: json.dumps(value).encode()),
)


def test_whatever_is_sent_each_line_is_accepted_or_named(house: House) -> None:
    """accepted + rejected = lines that are not empty; the rejects are in order; no line breaks the answer."""
    sends: list[list[bytes]] = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(_line, min_size=1, max_size=8))
    def collect(made: list[bytes]) -> None:
        sends.append(made)

    collect()

    async def story(h: House) -> None:
        for made in sends:
            full = [n for n, line in enumerate(made, 1) if line.strip()]
            answer = await send(h, b"\n".join(made))
            if answer.status_code == 422:
                body = problem(answer, 422, "batch_rejected" if full else "invalid_request")
                assert len(body.get("wrong", [])) == len(full)  # type: ignore[arg-type]
                continue
            told = answer.json()
            assert answer.status_code == 202, answer.text
            assert told["accepted"] + told["rejected_count"] == len(full)
            numbers = [reject["line"] for reject in told["rejected"]]
            assert numbers == sorted(set(numbers))
            assert set(numbers) <= set(full)

    house.tell(story)


def test_one_name_is_one_line(house: House) -> None:
    """The first keeps it; a wrong line keeps none."""

    async def story(h: House) -> None:
        named = GOOD | {"custom_id": "a"}
        told = await accepted(h, lines(b'{"custom_id": "a", "data": {}}', named, named))
        assert [(each["line"], each["custom_id"], each["code"]) for each in told["rejected"]] == [
            (1, "a", "invalid_data"),
            (3, "a", "invalid_request"),
        ]
        assert told["rejected"][1]["errors"][0]["path"] == "$.custom_id"

    house.tell(story)


def test_a_list_is_a_batch_too(house: House) -> None:
    """As JSON; what is neither a list nor a grid is told; ten thousand are the most."""

    async def story(h: House) -> None:
        told = (await h.post([GOOD, {"data": {}}, 7], "/tasks/batch")).json()
        assert (told["accepted"], [each["line"] for each in told["rejected"]]) == (1, [2, 3])
        problem(await h.post(b"[1,", "/tasks/batch"), 400, "malformed_json")
        problem(await h.post(7, "/tasks/batch"), 422, "invalid_request")
        problem(await h.post([], "/tasks/batch"), 422, "invalid_request")
        problem(await h.post(GOOD, "/tasks/batch"), 422, "invalid_request")
        problem(await h.post([0] * (batch_lines.MOST + 1), "/tasks/batch"), 422, "invalid_request")
        problem(await send(h, lines(*[0] * (batch_lines.MOST + 1))), 422, "invalid_request")
        problem(await send(h, b"\n\n"), 422, "invalid_request")
        wrong = await h.client.post("/tasks/batch", content=b"a=1", headers={"Content-Type": "text/plain"})
        problem(wrong, 415, "unsupported_media_type")
        for query in ("?atomic=yes", "?atmic=true", f"?label={'x' * 201}", "?atomic=true&atomic=true"):
            problem(await send(h, lines(GOOD), query), 422, "invalid_query")

    house.tell(story)


_number = st.integers(-9, 9).map(str) | st.sampled_from(["0.10", "1e-3", "12345678901234567890"])


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(_number, min_size=1, max_size=4, unique=True), min_size=1),
    st.dictionaries(st.sampled_from("cdef"), _number),
)
def test_a_grid_is_every_combination_once(values: dict[str, list[str]], base: dict[str, str]) -> None:
    """Each with its own name; numbers keep their digits; what the grid does not name stays."""
    pairs = [f'"{field}":[{",".join(row)}]' for field, row in values.items()]
    data = ",".join(f'"{field}":{value}' for field, value in base.items())
    made = batch_lines.of(
        f'{{"data":{{{data}}},"grid":{{{",".join(pairs)}}},"label":"g"}}'.encode(), "application/json"
    )
    points = [json.loads(line.text, parse_float=str, parse_int=str) for line in made]
    count = 1
    for row in values.values():
        count *= len(row)
    assert len(points) == count
    assert [line.number for line in made] == list(range(1, count + 1))
    assert len({point["custom_id"] for point in points}) == count
    found = {tuple(point["data"][field] for field in values) for point in points}
    assert len(found) == count
    for point in points:
        assert point["label"] == "g"
        assert all(point["data"][field] in row for field, row in values.items())
        assert {f: v for f, v in point["data"].items() if f not in values} == {
            f: v for f, v in base.items() if f not in values
        }


GRIDS: list[tuple[bytes, str, str]] = [
    (b'{"data": {"amount": 1, "amount": 2}, "grid": {"rate": [1]}}', "invalid_request", "$.data.amount"),
    (b'{"data": [], "grid": {"rate": [1]}}', "invalid_request", "$.data"),
    (b'{"data": {}, "grid": {"rate": []}}', "invalid_request", "$.grid.rate"),
    (b'{"data": {}, "grid": {}}', "invalid_request", "$.grid"),
    (b'{"data": {}, "grid": {"a": [1], "a": [2]}}', "invalid_request", "$.grid.a"),
    (b'{"data": {}, "grid": {"a": 1}}', "invalid_request", "$.grid.a"),
    (b'{"data": {}, "gird": {"a": [1]}}', "invalid_request", "$.gird"),
    (b'{"data": {}, "grid": {"a": [%s], "b": [%s]}}' % ((b"1," * 200 + b"1",) * 2), "invalid_request", "$.grid"),
    (b'{"data": {}, "grid": {"a": ["\xff"]}}', "malformed_json", ""),
    (b'{"data": {"a": "\xff"}, "grid": {"a": [1]}}', "malformed_json", ""),
    (b'{"data": {}, "grid": {"a": [1]', "malformed_json", ""),
]


@pytest.mark.parametrize(("body", "code", "place"), GRIDS)
def test_a_wrong_grid_is_told(house: House, body: bytes, code: str, place: str) -> None:
    """With its place; nothing is accepted."""

    async def story(h: House) -> None:
        told = problem(await h.post(body, "/tasks/batch"), 400 if code == "malformed_json" else 422, code)
        assert not place or place in [error["path"] for error in told["errors"]]  # type: ignore[attr-defined]

    house.tell(story)


def test_a_grid_of_prices(house: House) -> None:
    """One task a point, named by its values; a point that the kind refuses is told by its name."""

    async def story(h: House) -> None:
        grid = {"data": {"amount": 100}, "grid": {"rate": [0.01, 0.02, -5], "years": [1, 2]}, "priority": "low"}
        told = (await h.post(grid, "/tasks/batch")).json()
        assert told["accepted"] == 4
        assert [each["custom_id"] for each in told["rejected"]] == ["rate=-5,years=1", "rate=-5,years=2"]
        h.finish(4)
        names = [line["custom_id"] for line in await results(h, told["batch_id"])]
        assert names == ["rate=0.01,years=1", "rate=0.01,years=2", "rate=0.02,years=1", "rate=0.02,years=2"]

    house.tell(story)


def test_all_or_nothing(house: House) -> None:
    """`atomic=true`: one wrong line refuses all, and the key is still free."""

    async def story(h: House) -> None:
        bad = lines(GOOD, {"data": {}}, {"data": {"amount": "x", "rate": 1}})
        body = problem(await send(h, bad, "?atomic=true", idempotency_key="k"), 422, "batch_rejected")
        assert [str(line)[:6] for line in body["wrong"]] == ["line 2", "line 3"]  # type: ignore[attr-defined]
        assert h.store.do(verbs.counts())["queued"] == 0
        assert (await h.get("/batches")).json() == {"batches": []}
        assert (await accepted(h, lines(GOOD, GOOD), "?atomic=true", idempotency_key="k"))["accepted"] == 2

    house.tell(story)


def test_sent_again_it_is_the_same_batch(house: House) -> None:
    """Whatever has happened to its tasks; with another body the key is a mismatch, for a single task too."""

    async def story(h: House) -> None:
        body = lines(GOOD, {"data": {}}, GOOD)
        first = await send(h, body, idempotency_key="k")
        assert "idempotent-replayed" not in first.headers
        done, given_up = h.finish()[0], h.take()[0].task
        await h.post(b"", f"/tasks/{given_up}/cancel")
        again = await send(h, body, idempotency_key="k")
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json()
        assert h.store.do(verbs.purge(done)) == "ok"
        assert (await send(h, body, idempotency_key="k")).json() == first.json()
        assert h.store.do(verbs.counts()) | {"cancelled": 0} == dict.fromkeys(h.store.do(verbs.counts()), 0)
        batch = (await h.get(first.json()["links"]["self"])).json()
        assert (batch["forgotten"], batch["finished"], batch["accepted"]) == (1, True, 2)
        problem(await send(h, lines(GOOD), idempotency_key="k"), 422, "idempotency_mismatch")
        problem(await send(h, body, "?label=x", idempotency_key="k"), 422, "idempotency_mismatch")
        problem(await h.post(SEED, idempotency_key="k"), 422, "idempotency_mismatch")
        await h.submitted(SEED, idempotency_key="t")
        problem(await send(h, body, idempotency_key="t"), 422, "idempotency_mismatch")
        assert (await accepted(h, body))["batch_id"] != first.json()["batch_id"]

    house.tell(story)


def test_half_a_batch_is_finished_by_sending_it_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that went away in the middle: 503; the same request then makes what is missing, and nothing twice."""

    async def story(h: House) -> None:
        body = lines(*[GOOD | {"custom_id": f"{n}"} for n in range(1000)])
        do, calls = h.desk.store.do, 0

        async def failing(call: Any, *args: Any) -> Any:
            nonlocal calls
            calls += call.script == "submit"
            if call.script == "submit" and calls > 2:
                raise StoreAway("away")
            return await do(call, *args)

        monkeypatch.setattr(h.desk.store, "do", failing)
        problem(await send(h, body, idempotency_key="k"), 503, "store_unavailable")
        monkeypatch.undo()
        assert h.store.do(verbs.counts())["queued"] == 2 * verbs.MOST_A_CALL
        again = await send(h, body, idempotency_key="k")
        assert again.headers["idempotent-replayed"] == "true"
        told = again.json()
        assert (told["accepted"], told["rejected_count"]) == (1000, 0)
        batch = (await h.get(told["links"]["self"])).json()
        assert (batch["accepted"], batch["states"]["queued"], batch["rejected"]) == (1000, 1000, 0)
        assert h.store.do(verbs.counts())["queued"] == 1000

    house.tell(story)


def test_no_room(server: Any) -> None:
    """What finds no room is told line by line; no room for any is 429; an atomic batch takes all or nothing."""

    async def story(h: House) -> None:
        h.desk.share = 1  # one has its job, the others wait
        told = await accepted(h, lines(*[GOOD] * 6), idempotency_key="k")
        assert told["accepted"] == 4
        assert {each["code"] for each in told["rejected"]} == {"backlog_full"}
        assert [each["line"] for each in told["rejected"]] == [5, 6]
        problem(await send(h, lines(GOOD), idempotency_key="l"), 429, "backlog_full")
        problem(await send(h, lines(GOOD), "?atomic=true"), 429, "backlog_full")
        h.store.do(verbs.cancel_batch(told["batch_id"], "", 2, 1))
        problem(await send(h, lines(*[GOOD] * 5), "?atomic=true", idempotency_key="l"), 429, "backlog_full")
        assert (await send(h, lines(*[GOOD] * 6), idempotency_key="k")).json()["accepted"] == 6, "now there is room"
        h.store.do(verbs.cancel_batch(told["batch_id"], "", 100, 1))
        assert (await accepted(h, lines(*[GOOD] * 3), "?atomic=true", idempotency_key="l"))["accepted"] == 3

    House(server, backlog_limit=3).tell(story)


def test_the_quota_counts_for_batches(server: Any) -> None:
    """Of tasks that have not ended: line by line, none at all, or all of an atomic batch."""

    async def story(h: House) -> None:
        told = await accepted(h, lines(*[GOOD] * 5))
        assert (told["accepted"], [each["code"] for each in told["rejected"]]) == (3, ["quota_full"] * 2)
        problem(await send(h, lines(GOOD)), 429, "quota_full")
        h.finish(1)
        problem(await send(h, lines(GOOD, GOOD), "?atomic=true"), 429, "quota_full")
        assert (await accepted(h, lines(GOOD), "?atomic=true"))["accepted"] == 1

    House(server, unfinished_limit=3).tell(story)


def test_the_results_as_lines(house: House) -> None:
    """In the order of the lines, those that have ended, with result or error; bytes as they are."""

    async def story(h: House) -> None:
        told = await accepted(h, lines(*[GOOD | {"custom_id": f"c{n}"} for n in range(5)]))
        h.finish(2)
        failed = h.fail("time_limit", "Too long.")
        answer = await h.get(f"/batches/{told['batch_id']}/results?format=ndjson")
        raw = answer.content.splitlines()
        assert len(raw) == 3
        assert b'"result":' + RESULT in raw[0]
        said = [json.loads(line) for line in raw]
        assert [each["custom_id"] for each in said] == ["c0", "c1", "c2"]
        assert [each["state"] for each in said] == ["succeeded", "succeeded", "failed"]
        assert (said[2]["task_id"], said[2]["result"]) == (failed, None)
        assert said[2]["error"] == {"code": "time_limit", "message": "Too long."}
        problem(await h.get(f"/batches/{told['batch_id']}/results?format=xml"), 422, "invalid_query")

    house.tell(story)


def test_the_results_as_a_table(house: House) -> None:
    """Columns of all results; every digit; a text that a spreadsheet would calculate is none."""

    async def story(h: House) -> None:
        names = ["=1+1", "b,c", 'd"e', "ü"]
        told = await accepted(h, lines(*[GOOD | {"custom_id": name} for name in names]))
        h.finish(result=b'{"total":10511.6200000000001,"n":12345678901234567890,"ok":true}')
        h.finish(result=b'{"total":1e-30,"risk":{"var":-2.50,"note":"@x","deep":{"x":1}},"rows":[1],"none":null}')
        h.fail("child_died", "-it\nbroke")
        answer = await h.get(f"/batches/{told['batch_id']}/results?format=csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        head, *rows = csv.reader(io.StringIO(answer.text))
        fixed = ["custom_id", "task_id", "kind", "state", "error_code", "error_message"]
        assert head == [*fixed, "total", "n", "ok", "risk.var", "risk.note"]
        assert [row[0] for row in rows] == ["'=1+1", "b,c", 'd"e']
        assert rows[0][3:] == ["succeeded", "", "", "10511.6200000000001", "12345678901234567890", "true", "", ""]
        assert rows[1][6:] == ["1e-30", "", "", "-2.50", "'@x"]
        assert rows[2][3:] == ["failed", "child_died", "'-it\nbroke", "", "", "", "", ""]

    house.tell(story)


def test_many_results_come_page_by_page(house: House) -> None:
    """More than one page of them, both ways, each once."""

    async def story(h: House) -> None:
        told = await accepted(h, lines(*[GOOD | {"custom_id": f"{n}"} for n in range(500)]))
        for _ in range(10):
            h.finish(50)
        names = [f"{n}" for n in range(500)]
        assert [line["custom_id"] for line in await results(h, told["batch_id"])] == names
        table = (await h.get(f"/batches/{told['batch_id']}/results?format=csv")).text
        assert [row[0] for row in csv.reader(io.StringIO(table))][1:] == names

    house.tell(story)


def test_given_up_together(house: House) -> None:
    """What has ended stays; again is fine."""

    async def story(h: House) -> None:
        told = await accepted(h, lines(*[GOOD] * 600))
        h.finish(10)
        for _ in range(2):
            batch = (await h.post(b"", told["links"]["cancel"])).json()
            assert (batch["states"]["succeeded"], batch["states"]["cancelled"], batch["finished"]) == (10, 590, True)
        assert h.take(10) == []

    house.tell(story)


def test_what_is_not_there(house: House) -> None:
    """404 for what never was; a task is no batch, and a batch no task."""

    async def story(h: House) -> None:
        task = await h.submitted()
        told = await accepted(h, lines(GOOD))
        for never in (ids.mint(0, b"another"), "x", task, "%00"):
            for path in (f"/batches/{never}", f"/batches/{never}/results"):
                problem(await h.get(path), 404, "unknown_batch")
            problem(await h.post(b"", f"/batches/{never}/cancel"), 404, "unknown_batch")
        body = problem(await h.get(f"/tasks/{told['batch_id']}"), 404, "unknown_task")
        assert f"/batches/{told['batch_id']}" in str(body["detail"])

    house.tell(story)


def test_other_requests_are_answered_meanwhile(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand lines are planned in slices: who looks at a task waits for one of them."""
    monkeypatch.setattr(batch_tasks, "SLICE_S", 0.0002)  # a look takes some turns, more with a slow store

    async def story(h: House) -> None:
        id = await h.submitted()
        sending = asyncio.create_task(accepted(h, lines(*[GOOD] * 10_000)))
        looks = 0
        while not sending.done():
            assert (await h.get(f"/tasks/{id}")).status_code == 200
            looks += 1
        assert (await sending)["accepted"] == 10_000
        assert looks >= 10

    house.tell(story)


def test_a_long_line_is_read_beside_the_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a long body is."""

    async def story(h: House) -> None:
        aside, asides = h.desk.aside, 0

        async def counting(work: Any) -> Any:
            nonlocal asides
            asides += 1
            return await aside(work)

        monkeypatch.setattr(h.desk, "aside", counting)
        long = json.dumps(GOOD).encode().replace(b": ", b":" + b" " * limits.LARGE, 1)
        told = await accepted(h, lines(GOOD, long, GOOD))
        assert (told["accepted"], asides) == (3, 1)

    house.tell(story)


def test_another_gateway_makes_the_same_tasks(house: House, tmp_path: Path) -> None:
    """The ids follow from the store's key, not from the process."""
    body = lines(GOOD, GOOD)
    headers = NDJSON | {"Idempotency-Key": "k"}
    with running(house, tmp_path / "one.jsonl") as one, running(house, tmp_path / "two.jsonl") as two:
        first, second = (each.client.post("/tasks/batch", content=body, headers=headers) for each in (one, two))
        assert first.json() == second.json()
        assert second.headers["idempotent-replayed"] == "true"
        assert len(house.take(10)) == 2
    house.store.close()


def test_two_at_once_make_one(house: House) -> None:
    """The same key from many hands: each answers with all the tasks, and each task is there once."""

    async def story(h: House) -> None:
        body = lines(*[GOOD] * 300)
        said = await asyncio.gather(*(accepted(h, body, idempotency_key="k") for _ in range(5)))
        assert len({each["batch_id"] for each in said}) == 1
        assert {each["accepted"] for each in said} == {300}
        assert (await h.get(said[0]["links"]["self"])).json()["accepted"] == 300
        assert h.store.do(verbs.counts())["queued"] == 300
        h.store.do(verbs.cancel_batch(said[0]["batch_id"], "", 1000, SHARE))

    house.tell(story)
