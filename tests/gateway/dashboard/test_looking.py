"""Spans, minutes, a task's curve, data and history, the system: each against the store, each bounded."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from calc import execute
from gateway.dashboard import bars, series
from gateway.dashboard.frame import Bar
from gateway.dashboard.known import MOST, Known
from gateway.dashboard.system import shown
from gateway.roll import Roll
from gateway.routes.dashboard import LATEST_MS
from pipeline import verbs, views
from pipeline.record import Beat, Done, Folded, Job
from pipeline.settings import Settings
from tests.gateway.dashboard.listening import beat, doing
from tests.gateway.house import RESULT, SEED, SHARE, House, problem
from tests.servers import Server

DIGEST = {"kind": "digest", "data": {"parts": 45, "first_wave": 2, "largest_wave": 8, "seed": 1}}


@pytest.fixture
def digests(server: Server) -> House:
    """A house that knows a kind of many parts."""
    return House(server, kinds="tests.kinds.digest")


def compute(h: House, job: Job, data: bytes) -> None:
    """What a consumer and its child do with a job."""
    if job.step == "part":
        partial = execute.run(job.kind, data, job.number)
        assert h.store.do(verbs.finish_part([Done(job, partial, 0, 1.0)], "hand", SHARE)) == [True]
        return
    wave = h.store.do(verbs.wave(job))
    assert wave
    folding = execute.fold(job.kind, data, wave.accumulator, wave.partials, wave.last)
    folded = Folded(job, folding.accumulator, folding.estimate, folding.result, 0, 1.0)
    assert h.store.do(verbs.fold(folded, "hand", SHARE))


def test_the_curve_is_what_each_folded_prefix_says(digests: House) -> None:
    """To the last bit, computed here once more without store or gateway; and it is kept as long as the record."""

    async def story(h: House) -> None:
        id = await h.submitted(DIGEST)
        data = (await h.get(f"/tasks/{id}/data")).content
        assert (await h.get(f"/tasks/{id}/curve")).json()["points"] == []
        while jobs := h.take(7):
            for job in jobs:
                compute(h, job, data)
        told = (await h.get(f"/tasks/{id}/curve")).json()
        assert (told["task_id"], told["parts"]) == (id, 45)
        assert [point["parts"] for point in told["points"]] == [2, 6, 14, 22, 30, 38, 45]
        for point in told["points"]:
            assert (point["estimate"], point["standard_error"]) == prefix(data, point["parts"])
        with h.server.client() as hands:
            key = h.store.keys("curve", id)
            assert abs(hands.pexpiretime(key) - hands.pexpiretime(h.store.keys("task", id))) < 1_000
            assert h.store.do(verbs.purge(id)) == "ok"
            assert not hands.exists(key)

    def prefix(data: bytes, parts: int) -> tuple[float, float]:
        accumulator, at, wave = None, 0, 2
        while at < parts:
            partials = [execute.run("digest", data, part) for part in range(at, min(at + wave, 45))]
            folding = execute.fold("digest", data, accumulator, partials, False)
            accumulator, at, wave = folding.accumulator, at + len(partials), min(2 * wave, 8)
        said = msgspec.json.decode(folding.estimate or b"")
        return said["estimate"], said["standard_error"]

    digests.tell(story)


@pytest.mark.parametrize("number", [0.1 + 0.2, 1e-300, 5e-324, 1.7976931348623157e308, -8.0669, 2.0**53 + 2])
def test_an_estimate_keeps_its_bits(digests: House, number: float) -> None:
    async def story(h: House) -> None:
        id = await h.submitted(DIGEST)
        while not (points := h.store.do(views.curve(id))):
            for job in h.take(4):
                if job.step == "part":
                    h.store.do(verbs.finish_part([Done(job, b"{}", 0, 1.0)], "hand", SHARE))
                    continue
                estimate = msgspec.json.encode({"estimate": number, "standard_error": number})
                assert h.store.do(verbs.fold(Folded(job, b"0", estimate, None, 0, 1.0), "hand", SHARE))
        (point,) = (await h.get(f"/tasks/{id}/curve")).json()["points"]
        assert point["estimate"] == point["standard_error"] == number == points[0].estimate

    digests.tell(story)


def test_a_curve_is_thinned_as_it_grows(digests: House) -> None:
    """Every wave at first, then a logarithmic grid, and always the last one."""

    async def story(h: House) -> None:
        data = {"parts": 600, "first_wave": 1, "largest_wave": 1, "seed": 1}
        id = await h.submitted({"kind": "digest", "data": data})
        while jobs := h.take(200):
            for job in sorted(jobs, key=lambda job: job.step):
                if job.step == "fold":
                    result = RESULT if job.number == 599 else None
                    estimate = b'{"estimate":%d.0,"standard_error":1.0}' % job.number
                    assert h.store.do(verbs.fold(Folded(job, b"0", estimate, result, 0, 1.0), "hand", SHARE))
            parts = [Done(job, b"{}", 0, 1.0) for job in jobs if job.step == "part"]
            h.store.do(verbs.finish_part(parts, "hand", SHARE))
        folded_at = [point.parts for point in h.store.do(views.curve(id))]
        assert folded_at[:40] == list(range(1, 41))
        assert folded_at[-1] == 600
        assert 120 < len(folded_at) < 200
        assert all(later / earlier <= 1.06 for earlier, later in pairwise(folded_at[40:]))

    digests.tell(story)


def test_what_was_asked_and_what_happened(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        (job,) = h.take()
        assert h.store.do(verbs.release([job], "hand", SHARE)) == [True]
        h.finish()
        asked = (await h.get(f"/tasks/{id}/data")).json()
        assert (asked["amount"], asked["rate"]) == (10_000.0, 0.05)
        told = (await h.get(f"/tasks/{id}/history")).json()
        assert [line["text"] for line in told["lines"]] == ["release p0 by hand"]
        (done,) = told["jobs"]
        assert done.pop("from_ms") > h.store.do(verbs.clock()) - 60_000
        assert done == {"consumer": "hand", "child": 0, "job": "p0", "ran_ms": 1.5, "outcome": "done"}

    house.tell(story)


def test_spans_of_a_stretch(house: House) -> None:
    """With kind and the child's process; other stretches are empty."""

    async def story(h: House) -> None:
        idle = {"pid": 41}
        beat(h, "hand", children=[idle])
        done = [await h.submitted() for _ in range(3)]
        h.finish(3)
        now_ms = h.store.do(verbs.clock())
        told = (await h.get("/spans")).json()
        assert {bar["task_id"] for bar in told["spans"]} == set(done)
        assert {(bar["consumer"], bar["pid"], bar["kind"], bar["part"]) for bar in told["spans"]} == {
            ("hand", 41, "compound_interest", "p0")
        }
        assert all(0 <= bar["to_ms"] - bar["from_ms"] <= 3 for bar in told["spans"])
        assert told["merged"] == 0
        assert told["from_ms"] == told["since_ms"]
        before = f"/spans?since_ms={now_ms - 900_000}&until_ms={now_ms - 600_000}"
        assert (await h.get(before)).json()["spans"] == []
        few = (await h.get("/spans?limit=1")).json()
        assert len(few["spans"]) == 1
        assert (few["merged"], few["spans"][0]["jobs"]) == (3, 3)
        problem(await h.get("/spans?limit=0"), 422, "invalid_query")
        problem(await h.get("/spans?since_ms=0"), 422, "invalid_query")
        problem(await h.get(f"/spans?since_ms={now_ms}&until_ms={now_ms - 1}"), 422, "invalid_query")

    house.tell(story)


def test_of_a_task_it_is_read_once_whose_it_is(house: House) -> None:
    """A stretch that is drawn again costs no lookup of its tasks, and says the same; what is new in it is looked up."""

    async def story(h: House) -> None:
        for _ in range(3):
            await h.submitted()
        h.finish(2)
        first = (await h.get("/spans")).json()["spans"]
        with h.server.client() as hands:
            hands.config_resetstat()
            again = (await h.get("/spans")).json()["spans"]
            looked = hands.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"]
        assert [bar["kind"] for bar in first] == ["compound_interest"] * 2
        assert (again, looked) == (first, 0)
        h.finish()
        assert [bar["kind"] for bar in (await h.get("/spans")).json()["spans"]] == ["compound_interest"] * 3

    house.tell(story)


def test_it_forgets_the_oldest_first() -> None:
    known = Known()
    known.note((f"t{n}", ("o", "k")) for n in range(MOST + 3))
    assert len(known._known) == MOST
    assert next(iter(known._known)) == "t3"


def test_a_hand_in_the_spans_breaks_no_answer(house: House) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        h.finish()
        with h.server.client() as hands:
            hands.xadd(h.store.keys("spans"), {"consumer": "c", "X p0": "nonsense"})
            hands.xadd(h.store.keys("spans"), {"odd": "c"})
        assert len((await h.get("/spans")).json()["spans"]) == 1

    house.tell(story)


def test_bars_are_joined_until_they_fit() -> None:
    """None is lost: each job is counted in one bar; rows are not mixed; a bar says only what all its jobs are."""
    jobs = [
        Bar("c", n % 2, 1, f"t{n}", "noop", "p0", 10 * n, 10 * n + 9, "done" if n % 7 else "refused")
        for n in range(10_000)
    ]
    told, merged = bars.joined(jobs, 100_000, 500)
    assert len(told) <= 500
    assert sum(bar.jobs for bar in told) == 10_000
    assert merged == sum(bar.jobs for bar in told if bar.jobs > 1)
    assert {bar.outcome for bar in told} == {"mixed"}
    assert {(bar.kind, bar.task_id) for bar in told} == {("noop", None)}
    assert max(bar.to_ms for bar in told) == 99_999
    assert bars.joined(jobs[:100], 1_000, 500) == (jobs[:100], 0)
    for width_ms in (0, 1_000):  # fewer bars than rows: one a row is left, whatever the stretch
        told, merged = bars.joined(jobs, width_ms, 1)
        assert ([bar.jobs for bar in told], merged) == ([5_000, 5_000], 10_000)


def test_minutes_are_those_of_the_store(house: House) -> None:
    async def story(h: House) -> None:
        for _ in range(4):
            await h.submitted()
        h.finish(2)
        h.fail()
        told = (await h.get("/minutes")).json()
        assert told["step_s"] == 60
        kinds = [step["kinds"]["compound_interest"] for step in told["steps"]]  # two where a minute began meanwhile
        sums = {name: sum(kind[name] for kind in kinds) for name in ("submitted", "succeeded", "failed", "cancelled")}
        assert sums == {"submitted": 4, "succeeded": 2, "failed": 1, "cancelled": 0}
        assert sum(n for kind in kinds for n in kind["ran"].values()) == 3
        now_ms = h.store.do(verbs.clock())
        day = (await h.get(f"/minutes?since_ms={now_ms - 86_000_000}")).json()
        assert day["step_s"] == 720
        assert sum(step["kinds"]["compound_interest"]["submitted"] for step in day["steps"]) == 4
        problem(await h.get("/minutes?since_ms=-1"), 422, "invalid_query")

    house.tell(story)


def test_a_minute_that_is_over_is_read_once(house: House) -> None:
    """And the quantiles are those of the histograms."""

    async def story(h: House) -> None:
        kept = series.Minutes(h.desk.store)
        now_ms = h.store.do(verbs.clock())
        with h.server.client() as hands:
            for back, counted in ((1, 5), (3, 7)):
                name = h.store.keys("minute", minute(now_ms - 60_000 * back))
                hands.hset(name, mapping={"noop:succeeded": counted, "noop:ran:10": counted, "noop:ran:30": 1})
            found = await kept.last(5, now_ms)
            assert [series.total([counted], "succeeded") for counted in found.values()] == [7, 5]
            hands.flushall()
            again = await kept.last(5, now_ms)
        assert [series.total([counted], "succeeded") for counted in again.values()] == [7]
        told = series.times(found.values(), "ran")
        assert (told.p50, told.p95, told.n) == (float(f"{1.12**10.5:.3g}"), float(f"{1.12**30.5:.3g}"), 14)
        assert series.times([], "ran") == series.Times(None, None, 0)

    def minute(ms: int) -> str:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y%m%d%H%M")

    house.tell(story)


def test_the_system_says_what_it_is_and_no_secret(server: Server) -> None:
    async def story(h: House) -> None:
        beat(h, skew_ms=-1_200, kinds=["noop"])
        told = (await h.client.get("/system", headers={"X-API-Key": "a-secret-of-24-characters"})).json()
        assert told["store"]["server"] == "Valkey"
        assert told["store"]["version"].count(".") == 2
        assert (told["store"]["appendonly"], told["store"]["policy"]) == ("yes", "noeviction")
        assert told["store"]["used_bytes"] > 0
        (gateway,) = told["gateways"]
        assert (gateway["name"], gateway["version"]) == (f"{gateway['host']}:8001", "0.1.0")
        assert abs(gateway["skew_ms"]) < 1_000
        (consumer,) = told["consumers"]
        assert consumer["skew_ms"] == -1_200
        assert told["kinds"] == {"c-1": ["noop"]}
        assert told["settings"]["HEADRACE_ADMIN_KEY"] == "(set, not shown)"
        assert told["settings"]["HEADRACE_LEASE_S"] == 8.0
        assert "a-secret-of" not in str(told)
        assert told["cost"] == {"listeners": 0, "commands_per_s": 0.0}

    House(server, admin_key="a-secret-of-24-characters").tell(story)


def test_a_password_in_the_address_of_the_store_is_not_shown() -> None:
    told = shown(Settings(redis_url="redis://me:secret@store:6380/2", dashboard_auth="maya:of-12-characters"))
    assert told["HEADRACE_REDIS_URL"] == "redis://store:6380/2"
    assert "secret" not in str(told)
    assert "of-12" not in str(told)


def test_who_goes_without_a_word_is_lost_and_who_leaves_is_not(house: House) -> None:
    async def story(h: House) -> None:
        roll, said = Roll(), []
        for name, task in (("polite", ""), ("killed", "T1")):
            child = doing(task) if task else {"pid": 8}
            said.append(Beat(name=name, host="h", pid=7, version="1", started_at=1, beat_at=10_000, children=[child]))
        roll.note(said, 11_000)
        assert roll.lost(11_000) == []
        roll.note(said[1:], 12_000)  # the other took its name away while its beat was fresh
        assert roll.lost(17_000)[0].beat.name == "killed", "its heartbeat still stands, but it is quiet"
        roll.note([], 26_000)  # and now it has expired
        (gone,) = roll.lost(26_000)
        assert (gone.beat.name, gone.gone_for_good) == ("killed", True)
        assert roll.lost(400_000) == [], "it is shown for some minutes"
        beat(h, "killed", children=[doing("T1")])
        assert (await h.get("/workers")).json()["workers"][0]["state"] == "busy"

    house.tell(story)


def test_lists_take_a_batch(house: House) -> None:
    async def story(h: House) -> None:
        batch = (await h.post([SEED, SEED], "/tasks/batch")).json()["batch_id"]
        await h.submitted()
        found: Any = (await h.get(f"/tasks?batch={batch}&limit=1")).json()
        assert {task["batch_id"] for task in found["tasks"]} == {batch}
        assert f"batch={batch}" in found["next"]
        assert (await h.get(found["next"])).json()["tasks"][0]["batch_id"] == batch
        assert (await h.get(f"/tasks/count?batch={batch}")).json()["count"] == 2
        problem(await h.get("/tasks?batch=x"), 422, "invalid_query")

    house.tell(story)


@pytest.mark.parametrize("path", ["/minutes", "/spans", "/failures", "/starts"])
def test_a_moment_that_is_no_date_is_refused(house: House, path: str) -> None:
    async def story(h: House) -> None:
        until = f"&until_ms={LATEST_MS}" if path == "/spans" else ""
        assert (await h.get(f"{path}?since_ms={LATEST_MS}{until}")).status_code == 200
        problem(await h.get(f"{path}?since_ms={LATEST_MS + 1}"), 422, "invalid_query")

    house.tell(story)
