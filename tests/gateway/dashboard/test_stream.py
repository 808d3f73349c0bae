"""The one stream of a tab: everything once a second, read once for all tabs, and true whatever happens to the store."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from gateway import sse
from gateway.dashboard import reader as reader_room
from pipeline import ids, verbs
from pipeline.record import Beat, NewTask
from tests.gateway.dashboard.listening import LIMIT_S, Listener, beat, doing, reader_of, tab
from tests.gateway.house import RESULT, SEED, SHARE, House, problem
from tests.gateway.process import running
from tests.servers import Server


def put(h: House, owner: str) -> str:
    """A task of an owner, without the keys that it would need over HTTP."""
    new = NewTask(
        id=ids.mint(h.store.do(verbs.clock()), b"0" * 16),
        kind="compound_interest",
        data=b"{}",
        parts=1,
        first_wave=8,
        largest_wave=64,
        window=32,
        versions='{"kind":1,"package":"0.1.0"}',
        sha256="0" * 64,
        owner=owner,
    )
    (said,) = h.store.do(verbs.submit([new], 100, SHARE))
    return said.id


def calls(server: Server) -> int:
    """Scripts that the store has run so far, for whomever."""
    with server.client() as hands:
        return int(hands.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_all_of_now_and_then_each_second(house: House) -> None:
    """The figures are the store's."""

    async def story(h: House) -> None:
        done = [await h.submitted() for _ in range(3)]
        h.finish(2)
        h.fail()
        waiting = await h.submitted(SEED | {"priority": "low", "label": "later"})
        await h.submitted(SEED | {"delay_s": 3_600})
        running_ = await h.submitted(SEED | {"priority": "high", "label": "now"})
        h.take(1)
        beat(h, children=[doing(running_), {"pid": 8}])
        async with tab(h) as listening:
            told = (await listening.next()).data
            assert listening.seen[0].name == "snapshot"
            assert told["store"] == {"ok": True, "away_since": None, "fullness": 0.0}, "a store without a limit"
            states = h.store.do(verbs.counts())
            assert told["states"] == {**states, "retrying": 0}
            assert (states["queued"], states["succeeded"], states["failed"]) == (1, 2, 1)
            assert [(each["waiting"], each["held"]) for each in told["queues"]] == [(0, 1), (0, 0), (1, 0)]
            (worker,) = told["workers"]
            assert (worker["name"], worker["state"]) == ("c-1", "busy")
            assert [child["state"] for child in worker["children"]] == ["busy", "idle"]
            assert worker["children"][0]["task"] == running_
            assert [task["label"] for task in told["running"]] == ["now"]
            assert {bar["task_id"] for bar in told["spans"]} == set(done)
            assert {bar["kind"] for bar in told["spans"]} == {"compound_interest"}
            assert told["error_rate"] == round(1 / 3, 6)
            assert (told["busy"], told["processes"]) == (1, 2)
            assert told["wait_ms"]["n"] == 3
            steps = told["series"]["steps"]  # two where a minute began meanwhile
            assert sum(step["kinds"]["compound_interest"]["failed"] for step in steps) == 1
            next_ = (await listening.next()).data
            assert listening.seen[1].name == "frame"
            assert next_["spans"] == [], "each job is told once"
            assert "series" not in next_
            h.store.do(verbs.cancel(waiting, 256))
            await listening.until(lambda data: data["states"]["cancelled"] == 1)

    house.tell(story)


def test_many_tabs_cost_the_store_no_more_than_one(house: House) -> None:
    """By the store's own count of what it is asked."""

    async def story(h: House) -> None:
        async with tab(h) as first:
            await first.next()
            alone = await asked_in_three_frames(h)
            others = [tab(h) for _ in range(30)]
            tabs = [await each.__aenter__() for each in others]
            for each in tabs:
                await each.next()
                assert each.seen[0].name == "snapshot"
            listening = [asyncio.create_task(each.until(lambda _: False)) for each in tabs]
            crowded = await asked_in_three_frames(h)
            assert reader_of(h).cost().listeners == 31
            for task, each in zip(listening, others, strict=True):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await each.__aexit__(None, None, None)
        # The desk asks by itself, too: some calls a second, 5 s apart.
        assert crowded <= alone + 15, (alone, crowded)
        assert reader_of(h).cost().commands_per_s <= 12

    async def asked_in_three_frames(h: House) -> int:
        begun, frame = calls(h.server), reader_of(h).number
        async with asyncio.timeout(LIMIT_S):
            while reader_of(h).number < frame + 3:
                await asyncio.sleep(0.05)
        return calls(h.server) - begun

    house.tell(story)


def test_while_tabs_listen_their_minutes_cost_the_store_nothing(house: House) -> None:
    """And they are the ones that it would tell."""

    async def story(h: House) -> None:
        await h.submitted()
        h.finish()
        alone = (await h.get("/minutes")).json()["steps"]
        assert sum(step["kinds"]["compound_interest"]["succeeded"] for step in alone) == 1
        async with tab(h) as listening:
            await listening.next()
            assert (await h.get("/minutes")).json()["steps"] == alone
            begun, frame = calls(h.server), reader_of(h).number
            for _ in range(100):
                await h.get("/minutes")
            frames = reader_of(h).number - frame
            assert calls(h.server) - begun <= 12 * (frames + 1) + 15, "what the frames and the desk ask by themselves"

    house.tell(story)


def test_nobody_listens_nobody_reads(house: House) -> None:
    async def story(h: House) -> None:
        async with tab(h) as listening:
            await listening.next()
        reader = reader_of(h)
        assert reader.cost().listeners == 0
        async with asyncio.timeout(LIMIT_S):
            while reader.reading:
                await asyncio.sleep(0.02)
        before = reader.number
        await asyncio.sleep(1.5)
        assert reader.number == before
        async with tab(h) as again:
            assert (await again.next()).name == "snapshot"

    house.tell(story)


def test_a_store_that_is_away_is_told_and_what_was_known_stays(own_server: Server) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        h.finish()
        async with tab(h) as listening:
            before = (await listening.next()).data
            own_server.kill()
            away = (await listening.until(lambda data: not data["store"]["ok"])).data
            assert away["store"]["away_since"] is not None
            assert away["states"] == before["states"]
            still = (await listening.next("frame")).data
            assert still["store"]["away_since"] == away["store"]["away_since"], "since when does not move"
            own_server.start()
            back = (await listening.until(lambda data: data["store"]["ok"])).data
            assert back["states"] == before["states"]

    House(own_server).tell(story)


def test_a_tab_that_comes_while_the_store_is_away_is_told_that(own_server: Server) -> None:
    async def story(h: House) -> None:
        own_server.kill()
        async with tab(h) as listening:
            told = (await listening.next()).data
            assert (listening.seen[0].name, told["store"]["ok"], told["states"]) == ("frame", False, {})
            own_server.start()
            whole = (await listening.next("snapshot")).data
            assert whole["store"]["ok"]
            assert whole["states"]["queued"] == 0

    House(own_server).tell(story)


def test_a_followed_task_is_told_when_it_changes(house: House) -> None:
    """As GET answers it; why it waits; read once, however many tabs follow it."""

    async def story(h: House) -> None:
        id = await h.submitted()
        async with tab(h, task=id) as one, tab(h, task=id) as two:
            for each in (one, two):
                told = (await each.next("task")).data
                assert (told["task"]["state"], told["gone"]) == ("queued", False)
                assert told["task"]["why_waiting"] == "No consumer is running."
            h.finish()
            ended = (await one.until(lambda data: data["task"]["state"] == "succeeded", "task")).data
            assert ended["task"] == (await h.get(f"/tasks/{id}")).json()
            assert ended["result_bytes"] == len(RESULT)
            assert (await two.until(lambda data: data["task"]["state"] == "succeeded", "task")).data == ended

    house.tell(story)


def test_a_long_result_is_fetched_and_a_record_that_goes_is_told(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        async with tab(h, task=id) as listening:
            await listening.next("task")
            h.finish(result=b'{"text":"%s"}' % (b"x" * 70_000))
            told = (await listening.until(lambda data: data["task"]["state"] == "succeeded", "task")).data
            assert told["task"]["result"] is None
            assert told["result_bytes"] == 70_011
        other = await h.submitted()
        async with tab(h, task=other) as listening:
            await listening.next("task")
            with h.server.client() as hands:
                hands.delete(h.store.keys("task", other))
            assert (await listening.until(lambda data: data["gone"], "task")).data["task"] is None

    house.tell(story)


def test_what_is_not_there_cannot_be_followed(house: House) -> None:
    async def story(h: House) -> None:
        problem(await h.get("/dashboard/stream?task=x"), 422, "invalid_query")
        problem(await h.get(f"/dashboard/stream?task={ids.mint(0, b'another')}"), 404, "unknown_task")
        problem(await h.get("/dashboard/stream?topic=x"), 422, "invalid_query")
        head = await h.client.head("/dashboard/stream")
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")

    house.tell(story)


def test_how_full_the_store_is_and_many_short_jobs(own_server: Server) -> None:
    """Each job of a crowded second is in one bar, and no frame has more than stand apart."""

    async def story(h: House) -> None:
        async with tab(h) as listening:
            assert (await listening.next("snapshot")).data["store"]["fullness"] == 0.0
            with own_server.client() as hands:
                hands.config_set("maxmemory", 2 * hands.info("memory")["used_memory"])
                told_of = await listening.until(lambda data: data["store"]["fullness"] > 0)
                hands.config_set("maxmemory", 0)
            assert 0.3 < told_of.data["store"]["fullness"] < 0.7
            for _ in range(100):
                await h.submitted()
            h.finish(100)
            told = 0
            while told < 100:
                bars = (await listening.next("frame")).data["spans"]
                assert len(bars) <= reader_room.APART
                told += sum(bar["jobs"] for bar in bars)
            assert told == 100

    House(own_server).tell(story)


def test_whom_no_stream_reaches_asks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same frames: two who ask and a tab cost the store no more than the tab, and whoever asks no more leaves."""
    monkeypatch.setattr(reader_room, "VISIT_S", 0.5)

    async def story(h: House) -> None:
        id = await h.submitted()
        first = (await h.get(f"/dashboard/frame?task={id}")).json()
        assert first["frame"]["states"]["queued"] == 1
        assert first["frame"]["series"]["step_s"] == 60
        assert first["task"]["task"]["task_id"] == id
        assert first["frame"]["cost"]["listeners"] == 1
        assert (await h.get("/dashboard/frame")).json()["task"] is None
        async with tab(h) as listening:
            await listening.until(lambda data: data["cost"]["listeners"] == 1)  # those who asked have left
        problem(await h.get("/dashboard/frame?task=x"), 422, "invalid_query")
        problem(await h.get(f"/dashboard/frame?task={ids.mint(0, b'another')}"), 404, "unknown_task")

    house.tell(story)


def test_a_hand_in_the_store_ends_no_stream(house: House) -> None:
    """What cannot be told is left out, the rest goes on; and what was broken altogether comes back with it."""

    async def story(h: House) -> None:
        ids_ = [await h.submitted() for _ in range(2)]
        h.take(2)
        async with tab(h) as listening:
            assert len((await listening.next("snapshot")).data["running"]) == 2
            with h.server.client() as hands:
                hands.hdel(h.store.keys("task", ids_[0]), "kind")
                told = (await listening.until(lambda data: len(data["running"]) == 1)).data
                assert told["running"][0]["task_id"] == ids_[1]
                beat(h)
                key = h.store.keys("consumer", "c-1")
                hands.hset(key, "child:0", "nonsense")
                await asyncio.sleep(1.5)
                hands.delete(key)
            await listening.until(lambda data: data["workers"] == [])

    house.tell(story)


def test_so_many_tabs_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_room, "MOST_TABS", 1)

    async def story(h: House) -> None:
        async with tab(h) as listening:
            await listening.next()
            answer = await h.get("/dashboard/stream")
            problem(answer, 429, "tabs_full")
            assert answer.headers["retry-after"] == "5"

    house.tell(story)


def test_a_silence_is_filled_with_comments(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.05)
    monkeypatch.setattr(reader_room, "EVERY_S", 3.0)

    async def story(h: House) -> None:
        async with tab(h) as listening:
            await listening.next("snapshot")
            event = await listening.next()
            assert event.name == "", "a comment"

    house.tell(story)


def test_what_is_another_owners_does_not_show(house: House) -> None:
    """Counts and running tasks are this owner's; a process is seen to be busy, with what is not."""

    async def story(h: House) -> None:
        mine, theirs = put(h, "desk-1"), put(h, "desk-2")
        h.take(2)
        beat(h, children=[doing(mine), doing(theirs)])
        h.store.do(verbs.beat(lost_with(theirs)))
        async with tab(h, scope="desk-1") as listening, tab(h) as admin:
            told = (await listening.next("snapshot")).data
            assert told["states"]["running"] == 1
            assert [task["task_id"] for task in told["running"]] == [mine]
            children = told["workers"][0]["children"]
            assert [child["task"] for child in children] == [mine, None]
            assert [child["state"] for child in children] == ["busy", "busy"]
            assert theirs not in str(told)
            assert theirs in str((await admin.next("snapshot")).data)

    def lost_with(task: str) -> Beat:
        return Beat(name="c-2", host="h", pid=7, version="1", started_at=1, beat_at=0, children=[doing(task)])

    house.tell(story)


def test_a_gateway_that_stops_says_bye_and_another_needs_nothing_of_it(house: House, tmp_path: Path) -> None:
    """Whole processes; an id of an earlier event is not asked for, and one that is sent is not minded."""
    with running(house, tmp_path / "one.jsonl") as one, running(house, tmp_path / "two.jsonl") as two:
        tabs = [Listener(f"{one.url}/dashboard/stream") for _ in range(3)]
        for each in tabs:
            assert each.first.wait(LIMIT_S)
        began = time.monotonic()
        assert one.stop() == 0
        for each in tabs:
            each.join(LIMIT_S)
            assert not each.is_alive()
            assert [event.name for event in each.events if event.name][-1] == "bye"
            assert each.sent["cache-control"] == "no-store"
            assert each.sent["x-accel-buffering"] == "no"
        assert time.monotonic() - began < 40, "not when whoever listens leaves"
        again = Listener(f"{two.url}/dashboard/stream", {"Last-Event-ID": "1764-3"})
        assert again.first.wait(LIMIT_S)
        assert again.events[0].name == "snapshot"
        assert two.stop() == 0
        again.join(LIMIT_S)
    house.store.close()


def test_who_hangs_up_is_let_go(house: House, tmp_path: Path) -> None:
    """Then nobody listens, and the gateway reads no more."""
    with running(house, tmp_path / "gateway.jsonl") as gateway:
        with gateway.client.stream("GET", "/dashboard/stream") as answer:
            pieces = answer.iter_text()  # kept: whose reading ends, ends the connection
            next(pieces)
            assert listeners(gateway.client) == 1
        until = time.monotonic() + LIMIT_S
        while listeners(gateway.client):
            assert time.monotonic() < until
            time.sleep(0.05)
    house.store.close()


def listeners(client: httpx.Client) -> int:
    """By the system's own word."""
    told: int = httpx.get(f"{client.base_url}/system").json()["cost"]["listeners"]
    return told
