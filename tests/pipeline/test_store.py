"""Who carries a verb, when Redis forgets, hangs, dies and comes back: nothing is done twice, nobody hangs."""

import asyncio
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import verbs
from pipeline.async_store import AsyncStore
from pipeline.errors import StoreAway
from pipeline.settings import Settings
from pipeline.store import Bell, Store
from tests import servers
from tests.pipeline.steps import SHARE, finish, new, run_all, submit, take, taken
from tests.proxy import Proxy


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[servers.Server]:
    """A server that the test may kill."""
    server = servers.Server(tmp_path / "store", servers.binaries()["valkey"]).start()
    yield server
    server.kill()


def test_a_verb_survives_a_forgotten_script_and_a_lost_group(store: Store, hands) -> None:  # type: ignore[no-untyped-def]
    (id,) = submit(store, new())
    hands.script_flush()
    hands.xgroup_destroy("{headrace}:jobs:medium", "consumers")
    with pytest.raises(StoreAway, match="NOGROUP"):
        take(store)  # not safe to send again by itself: the caller asks `ready` and `resync`
    store.do(verbs.ready())
    (job,) = take(store)
    assert job.task == id
    assert finish(store, job)


def test_what_was_acknowledged_survives_sigkill_of_the_store(mortal: servers.Server) -> None:
    store = Store(mortal.settings(), "test")
    store.do(verbs.ready())
    noted = [submit(store, new())[0] for _ in range(200)]
    jobs = take(store, 50)
    assert all(finish(store, job) for job in jobs[:20])
    mortal.kill()
    with pytest.raises(StoreAway):
        store.do(verbs.clock())
    mortal.start()
    states = {id: store.do(verbs.task(id)) for id in noted}
    assert [task.state for task in states.values() if task] == ["succeeded"] * 20 + ["running"] * 30 + ["queued"] * 150
    assert all(finish(store, job) for job in jobs[20:])
    assert len(run_all(store)) == 150
    store.close()


def test_a_stopped_server_does_not_hold_a_caller_for_ever(mortal: servers.Server) -> None:
    store = Store(mortal.settings(), "test")
    store.do(verbs.ready())
    assert mortal.process
    os.kill(mortal.process.pid, signal.SIGSTOP)
    try:
        before = time.monotonic()
        with pytest.raises(StoreAway):
            store.do(verbs.clock())
        assert time.monotonic() - before < 20  # ANSWER_S, on a busy machine
    finally:
        os.kill(mortal.process.pid, signal.SIGCONT)
    assert store.do(verbs.clock()) > 0
    store.close()


def test_the_bell_rings_when_something_is_put(store: Store, any_server: servers.Server) -> None:
    bell = Bell(any_server.settings(), "test")
    bell.wait(taken(store).wake_ids)
    assert not select.select([bell], [], [], 0.05)[0]
    submit(store, new(priority="low"))
    assert select.select([bell], [], [], 60)[0]
    assert bell.heard()
    take(store)
    bell.wait(taken(store, me="c2").wake_ids)  # what is held does not ring
    assert not select.select([bell], [], [], 0.05)[0]
    assert select.select([bell], [], [], 60)[0]
    assert not bell.heard()  # the time was up
    bell.close()


def test_calls_of_one_turn_share_a_connection_and_come_back_in_order(store: Store, any_server: servers.Server) -> None:
    async def story() -> None:
        many = AsyncStore(any_server.settings(), "test")
        tasks = [new() for _ in range(300)]
        answers = await asyncio.gather(*[many.do(verbs.submit([task], 10**6, SHARE)) for task in tasks])
        assert [a[0].id for a in answers] == [task.id for task in tasks]
        # A caller that gives up must not leave its reply to the next one.
        hasty = [asyncio.ensure_future(many.do(verbs.task(task.id))) for task in tasks]
        await asyncio.sleep(0)
        for call in hasty[::2]:
            call.cancel()
        found = await asyncio.gather(*hasty[1::2])
        assert [task.id for task in found if task] == [task.id for task in tasks[1::2]]
        await many.close()

    asyncio.run(story())


def test_a_gateway_rides_out_a_restart(mortal: servers.Server) -> None:
    """Calls that are safe to send again wait for the store; the submitted task exists once."""

    async def story() -> None:
        many = AsyncStore(mortal.settings(), "test")
        await many.do(verbs.ready())
        task = new()
        mortal.kill()
        call = asyncio.ensure_future(many.do(verbs.submit([task], 10**6, SHARE), patience_s=60))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(mortal.start)
        assert (await call)[0].id == task.id
        assert (await many.do(verbs.counts()))["queued"] == 1
        mortal.kill()
        with pytest.raises(StoreAway):
            await many.do(verbs.counts(), patience_s=0.3)
        await many.close()

    asyncio.run(story())


def test_events_tell_what_happens_and_end_with_the_store(mortal: servers.Server) -> None:
    async def story() -> None:
        many = AsyncStore(mortal.settings(), "test")
        await many.do(verbs.ready())
        seen: list[tuple[str, str]] = []
        begun = asyncio.Event()

        async def follow() -> None:
            async for batch in many.events():
                begun.set()
                seen.extend(batch)

        following = asyncio.ensure_future(follow())
        await asyncio.wait_for(begun.wait(), 60)
        task = new()
        await many.do(verbs.submit([task], 10**6, SHARE))
        await many.do(verbs.cancel(task.id, SHARE))
        deadline = asyncio.get_running_loop().time() + 60
        while len(seen) < 2 and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        assert seen == [(task.id, "queued"), (task.id, "cancelled")]
        mortal.kill()
        with pytest.raises(StoreAway):
            await asyncio.wait_for(following, 5)
        await many.close()

    asyncio.run(story())


def test_a_connection_that_is_swallowed_while_it_is_made_holds_nobody_for_ever(mortal: servers.Server) -> None:
    """The server accepts and says no word (a black hole, a stopped server): the greeting has its time limit too."""

    async def story(proxy: Proxy) -> None:
        many = AsyncStore(Settings(redis_url=proxy.url), "test")
        proxy.black_hole()
        with pytest.raises(StoreAway):
            await many.do(verbs.clock(), patience_s=0)
        proxy.heal()  # what was swallowed stays silent: only a new connection helps
        assert await many.do(verbs.clock(), patience_s=0) > 0
        await many.close()

    async def within_a_minute(proxy: Proxy) -> None:
        async with asyncio.timeout(60):
            await story(proxy)

    with Proxy(mortal.port) as proxy:
        asyncio.run(within_a_minute(proxy))


def test_who_comes_after_the_end_does_not_open_it_again(any_server: servers.Server) -> None:
    """A stream that outlives its gateway's store would leave a connection that nobody closes."""

    async def story() -> None:
        store = AsyncStore(any_server.settings(), "late")
        await store.do(verbs.clock())
        await store.close()
        with pytest.raises(StoreAway, match="closed"):
            await store.do(verbs.clock(), patience_s=0)

    asyncio.run(story())
    with any_server.client() as plain:
        assert [each for each in plain.client_list() if each["name"].startswith("late")] == []
