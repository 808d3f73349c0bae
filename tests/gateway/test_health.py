"""Alive and ready are two questions; a store that goes away and comes back is a pause, not an end."""

import asyncio
from time import monotonic
from typing import Any

import msgspec
import pytest

from gateway.routes.health import Health
from pipeline import verbs
from pipeline.record import Beat
from pipeline.store import Store
from tests.gateway.house import LIMIT_S, SEED, House, problem
from tests.servers import Server

SAYS: Any = {"host": "h", "pid": 1, "version": "0", "started_at": 1, "beat_at": 1}


def test_alive(house: House) -> None:
    """Asks nobody but the process."""

    async def story(h: House) -> None:
        answer = await h.get("/health")
        assert answer.status_code == 200
        assert msgspec.json.decode(answer.content, type=Health).status == "ok"

    house.tell(story)


def test_ready(house: House) -> None:
    """With streams and group, which it makes where they are missing. B29: a policy that drops keys is a clear reason
    not to be ready."""

    async def story(h: House) -> None:
        assert (await h.get("/ready")).json() == {"status": "ready", "warnings": []}
        with h.server.client() as client:
            client.delete(*h.store.keys.streams())
            assert (await h.get("/ready")).status_code == 200
            client.config_set("maxmemory-policy", "allkeys-lru")
            try:
                body = problem(await h.get("/ready"), 503, "not_ready")
            finally:
                client.config_set("maxmemory-policy", "noeviction")
        assert "noeviction" in str(body["wrong"])

    house.tell(story)


def test_the_store_killed_and_back(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short: nobody notices. Long: 503 that says nothing is lost, and then it works again. B62: a hundred that wait
    through a restart of the store each get their task's end."""

    async def story(h: House) -> None:
        kept = await h.submitted()
        waiting = [asyncio.create_task(h.get(f"/tasks/{kept}?wait=60")) for _ in range(100)]
        await h.until_waits(100)
        own_server.kill()
        began = monotonic()
        answers = await asyncio.gather(
            h.post(), h.get(f"/tasks/{kept}"), h.get("/tasks"), h.post(b"", f"/tasks/{kept}/cancel")
        )
        assert 1 < monotonic() - began < 20, "after a moment's patience"
        for answer in answers:
            body = problem(answer, 503, "store_unavailable")
            assert answer.headers["retry-after"] == "2"
            assert "lost" in str(body["detail"])
        body = problem(await h.get("/ready"), 503, "not_ready")
        assert body["wrong"] == ["the task store does not answer"]
        assert (await h.get("/health")).status_code == 200

        do = h.desk.store.do
        monkeypatch.setattr(
            h.desk.store, "do", lambda call, patience_s=LIMIT_S: do(call, patience_s)
        )  # it starts slowly
        sent = asyncio.create_task(h.post(SEED, idempotency_key="over the gap"))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(own_server.start)
        answer = await sent
        assert answer.status_code == 202
        assert (await h.post(SEED, idempotency_key="over the gap")).json()["task_id"] == answer.json()["task_id"]
        assert (await h.get("/ready")).status_code == 200
        h.store = Store(h.settings, "test")
        h.finish(2)
        assert {answer.json()["state"] for answer in await asyncio.gather(*waiting)} == {"succeeded"}

    House(own_server).tell(story)


def test_a_gateway_may_start_before_its_store(own_server: Server) -> None:
    """It says so, and comes up by itself."""
    house = House(own_server)

    async def story(h: House) -> None:
        problem(await h.post(), 503, "store_unavailable")
        await asyncio.to_thread(own_server.start)
        assert (await h.post()).status_code == 202

    own_server.kill()
    house.tell(story)


def test_window_and_share_grow_with_the_fleet(house: House) -> None:
    """A task may keep every child busy, and an owner four times that many jobs."""

    async def story(h: House) -> None:
        children = [{"state": "idle"}] * 50
        h.store.do(verbs.beat(Beat(name="c", children=children, **SAYS)))
        await h.desk.look_around()
        assert (h.desk.window, h.desk.share) == (100, 256)
        h.store.do(verbs.beat(Beat(name="d", children=children, **SAYS)))
        await h.desk.look_around()
        assert (h.desk.window, h.desk.share) == (200, 400)

    house.tell(story)
