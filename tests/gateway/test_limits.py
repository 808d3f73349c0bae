"""Limits of a gateway: each is told in time, with the pause after which it is worth asking again."""

import json
import re
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import desk, limits
from pipeline import verbs
from pipeline.record import Done
from tests.gateway.house import RESULT, SEED, SHARE, House, problem
from tests.gateway.process import Gateway, running
from tests.servers import Server

# ── the backlog ──


@pytest.mark.parametrize(
    ("limit", "drained", "pause"),
    [
        (1_000_000, 0.0, 60),
        (1_000_000, 100.0, 100),
        (1_000_000, 3.0, 300),
        (1_000_000, 1e6, 1),
        (50, 0.1, 10),
        (50, 0.001, 300),
        (1, 4.0, 1),
    ],
)
def test_the_pause_is_the_time_in_which_one_percent_drains(limit: int, drained: float, pause: int) -> None:
    """And at least one task; between 1 and 300 s; a minute when nothing drains."""
    assert limits.pause_s(limit, drained) == pause


def test_a_full_backlog_tells_the_pause_by_what_really_drains(server: Server) -> None:
    """In the header, in the body and in words; nothing is written."""

    async def story(h: House) -> None:
        for _ in range(30):
            await h.submitted()
            h.finish()
        for _ in range(3):  # one is put, two wait in the ring
            await h.submitted()
        for task in h.desk.background:  # nobody but this test looks
            task.cancel()
        await h.desk.look_around()
        assert 0 < h.desk.drained < 30
        answer = await h.post()
        body = problem(answer, 429, "backlog_full")
        pause = limits.pause_s(2, h.desk.drained)
        assert 1 <= pause <= 10
        assert answer.headers["retry-after"] == str(pause)
        assert body["retry_after_s"] == pause
        assert f"Ask again in {pause} s." in str(body["detail"])
        assert "tasks a second end" in str(body["detail"])
        assert len((await h.get("/tasks?state=queued")).json()["tasks"]) == 3

    House(server, share=1, backlog_limit=2).tell(story)


def test_a_full_backlog_where_nothing_drains(server: Server) -> None:
    """Nobody knows how long it takes: a minute, and that is said."""

    async def story(h: House) -> None:
        await h.submitted()
        await h.submitted()
        answer = await h.post()
        assert answer.headers["retry-after"] == "60"
        assert "no task has ended" in str(problem(answer, 429, "backlog_full")["detail"])

    House(server, share=1, backlog_limit=1).tell(story)


# ── the store's memory ──

LARGE_DATA = {
    "kind": "var_historical",
    "data": {
        "returns": [[round(0.0001 * ((row * 7 + n) % 97 - 48), 4) for n in range(100)] for row in range(100)],
        "symbols": [f"S{n}" for n in range(100)],
        "positions": [{"symbol": "S0", "value": 1000}],
        "confidence": 0.9,
    },
}


@pytest.fixture
def roomy(own_server: Server) -> Iterator[Server]:
    """A server that may use 60 MB more than it does."""
    with own_server.client() as client:
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 60_000_000)
    return own_server


def test_submissions_are_refused_before_the_store_is_full(roomy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """B30: a flood gets 202 until the mark and 503 with Retry-After from there on; what ran before can still end, what
    was accepted can be looked at, and once memory is free it goes on."""
    monkeypatch.setattr(desk, "FILL_S", 0.05)

    async def story(h: House) -> None:
        await h.submitted()
        (job,) = h.take()
        accepted = []
        while (answer := await h.post(LARGE_DATA)).status_code == 202:
            accepted.append(answer.json()["task_id"])
            assert len(accepted) < 3_000
        body = problem(answer, 503, "store_full")
        assert int(answer.headers["retry-after"]) > 0
        assert re.match(r"The store is \d\d % full, and above 50 % nothing more is accepted", str(body["detail"]))
        problem(await h.post(), 503, "store_full")

        with h.server.client() as client:
            memory = client.info("memory")
            assert memory["used_memory"] < 0.9 * memory["maxmemory"], "the mark is before the end"
            ready = await h.get("/ready")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
            assert re.fullmatch(r"the store is \d\d % full: submissions are refused", ready.json()["warnings"][0])
            assert h.store.do(verbs.finish_task([Done(job, RESULT, 0, 1.5)], "hand", SHARE)) == [True]
            assert (await h.get(f"/tasks/{job.task}")).json()["state"] == "succeeded"
            listed = (await h.get("/tasks?state=queued&limit=1")).json()["tasks"]
            assert [task["task_id"] for task in listed] == accepted[-1:], "what was refused is not there"
            client.config_set("maxmemory", 0)
        await h.desk.look_inside()
        assert (await h.post()).status_code == 202
        assert (await h.get("/ready")).json()["warnings"] == []

    House(roomy, fill_limit=0.5).tell(story)


def test_a_store_without_any_memory_left_refuses_and_keeps(own_server: Server) -> None:
    """B30: never 202, nothing half-written; what runs stores its result even then, for that gives memory back."""

    async def story(h: House) -> None:
        id = await h.submitted()
        (job,) = h.take()
        done = verbs.finish_task([Done(job, RESULT, 0, 1.5)], "hand", SHARE)
        with own_server.client() as client:
            client.config_set("maxmemory", 1)
            answer = await h.post()
            problem(answer, 503, "store_full")
            assert answer.headers["retry-after"] == "10"
            assert (await h.get(f"/tasks/{id}")).json()["state"] == "running"
            assert h.store.do(done) == [True]
            assert (await h.get(f"/tasks/{id}/result")).content == RESULT
            client.config_set("maxmemory", 0)
        assert len((await h.get("/tasks")).json()["tasks"]) == 1

    House(own_server).tell(story)


# ── large bodies ──


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that takes bodies of up to 200 kB, so at most eight of them at a time."""
    with running(house, tmp_path / "gateway.jsonl", HEADRACE_BODY_LIMIT_BYTES="200000") as gateway:
        yield gateway


def test_only_so_many_large_bodies_are_here_at_once(gateway: Gateway) -> None:
    """Eight slow senders fill the room: a ninth is refused before its body is read, as is the next large body, small
    ones are not, and who hangs up gives its room back."""
    head = b"POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n{"
    large = json.dumps(SEED).encode().ljust(190_000)
    json_type = {"Content-Type": "application/json"}
    slow = [socket.create_connection(("127.0.0.1", gateway.port), timeout=60) for _ in range(limits.CROWD + 1)]
    try:
        for sender in slow:
            sender.sendall(head)
        refused_one = select.select(slow, [], [], 60)[0]  # whichever came last
        assert [sender.recv(12) for sender in refused_one] == [b"HTTP/1.1 429"]
        answer = gateway.client.post("/tasks", content=large, headers=json_type)
        refused = answer.json()
        assert (answer.status_code, refused["code"]) == (429, "bodies_waiting")
        assert "1,600,000" in str(refused["detail"])
        assert gateway.client.post("/tasks", json=SEED).status_code == 202
        pieces = (large[at : at + 10_000] for at in range(0, len(large), 10_000))
        answer = gateway.client.post("/tasks", content=pieces, headers=json_type)  # without its length
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    finally:
        for sender in slow:
            sender.close()
    assert until_status(gateway, large, 202)["state"] == "queued"


def until_status(gateway: Gateway, body: bytes, status: int) -> dict[str, object]:
    for _ in range(1_000):
        answer = gateway.client.post("/tasks", content=body, headers={"Content-Type": "application/json"})
        if answer.status_code == status:
            said: dict[str, object] = answer.json()
            return said
    raise AssertionError(answer.text)


# ── time ──


def test_no_job_may_run_for_longer_than_its_task(server: Server) -> None:
    """A longer limit is refused with what is allowed; a longer default is cut; the document says both."""

    async def story(h: House) -> None:
        body = problem(await h.post(SEED | {"time_limit_s": 90}), 422, "invalid_request")
        (fault,) = body["errors"]  # type: ignore[misc]
        assert (fault["path"], fault["value"], fault["allowed"]) == ("$.time_limit_s", 90, "at most 60")
        assert "more than a whole task may take" in str(body["detail"])
        await h.submitted(SEED)
        await h.submitted(SEED | {"time_limit_s": 60})
        assert [job.time_limit_s for job in h.take(2)] == [60, 60]
        schemas = (await h.get("/openapi.json")).json()["components"]["schemas"]
        number = schemas["submit_compound_interest"]["properties"]["time_limit_s"]["anyOf"][0]
        assert number["maximum"] == 60
        assert "A whole task has 60 s" in number["description"]

    House(server, task_time_limit_s=60.0).tell(story)
