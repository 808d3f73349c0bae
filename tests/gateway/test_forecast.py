"""What is foretold comes from what was measured, says from how much, and is null where nothing is known."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway import forecast
from pipeline import verbs
from pipeline.pulse import BUCKET
from tests.gateway.house import SEED, SHARE, House

_ms = st.integers(1, 10**7)


def bucket(ms: float) -> int:
    """As scripts/pieces/ledger.lua has it."""
    return math.floor(math.log(ms) / math.log(BUCKET)) if ms > 1 else 0


@given(st.lists(_ms, min_size=1, max_size=50), st.integers(1, 5))
def test_the_median_of_what_ran(times: list[int], minutes: int) -> None:
    """Within a bucket of the true one, however the tasks fell into minutes; the sample is their number."""
    counted: dict[str, dict[str, int]] = {}
    for n, ms in enumerate(times):
        fields = counted.setdefault(str(n % minutes), {"noop:submitted": 9, "noop:waited:3": 5})
        fields[f"noop:ran:{bucket(ms)}"] = fields.get(f"noop:ran:{bucket(ms)}", 0) + 1
    run = forecast.runs(counted)["noop"]
    assert run.sample == len(times)
    median = sorted(times)[(len(times) - 1) // 2]
    assert 1 / 1.13 <= run.median_s * 1000 / median <= 1.13


@given(st.lists(st.tuples(_ms, _ms), min_size=1, max_size=50))
def test_how_far_it_was_off(pairs: list[tuple[int, int]]) -> None:
    """The median of |came / foretold - 1|, within a bucket."""
    off: dict[str, int] = {}
    for came, told in pairs:
        name = f"noop:off:{math.floor(math.log(came / told) / math.log(BUCKET))}"
        off[name] = off.get(name, 0) + 1
    run = forecast.runs({"1": {"noop:ran:0": 1} | off})["noop"]
    errors = sorted(abs(came / told - 1) for came, told in pairs)
    median = errors[(len(errors) - 1) // 2]
    assert run.error is not None
    assert 0.8 * median - 0.07 <= run.error <= 1.2 * median + 0.07


def test_what_came_stands_beside_what_was_foretold(house: House) -> None:
    """In the task when it has ended, and over all tasks of the kind in what is foretold next."""

    async def story(h: House) -> None:
        await h.submitted()
        h.finish()
        await h.desk.look_around()
        told = (await h.post(SEED)).json()
        assert (told["estimated"]["sample"], told["estimated"]["run_error"]) == (1, None)
        waiting = (await h.get(told["links"]["self"])).json()
        assert waiting["forecast_error"] is None
        h.finish()
        task = (await h.get(told["links"]["self"])).json()
        error, estimated = task["forecast_error"], task["estimated"]
        assert error["run_s"] == round(task["ran_ms"] / 1000 - estimated["run_s"], 3)
        assert error["wait_s"] == round(task["waited_ms"] / 1000 - estimated["wait_s"], 3)
        await h.desk.look_around()
        seen = (await h.post(SEED)).json()["estimated"]["run_error"]
        ratio = max(task["ran_ms"], 1) / 1000 / estimated["run_s"]
        assert abs(seen - abs(ratio - 1)) <= 0.13 * ratio

    house.tell(story)


def test_of_what_was_put_off_or_failed_no_error_is_told(house: House) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        id = h.fail()
        assert (await h.get(f"/tasks/{id}")).json()["forecast_error"]["run_s"] is None, "nothing was foretold of it"
        await h.submitted()
        h.finish()
        await h.desk.look_around()
        await h.submitted()
        failed = h.fail()
        assert (await h.get(f"/tasks/{failed}")).json()["forecast_error"]["run_s"] is not None
        await h.desk.look_around()
        assert h.desk.runs["compound_interest"].error is None, "how long a failure took says nothing of the forecast"

    house.tell(story)


def test_kinds_are_kept_apart() -> None:
    """A kind that ended nothing is not there; names may hold anything but the word between."""
    counted = {"202601010000": {"a:ran:0": 1, "b.c:ran:20": 2, "b.c:succeeded": 2, "d:submitted": 7}}
    found = forecast.runs(counted)
    assert {kind: run.sample for kind, run in found.items()} == {"a": 1, "b.c": 2}
    assert found["a"].median_s < found["b.c"].median_s


def test_what_is_not_known_is_null() -> None:
    """No pace, no waiting time, unless nobody waits; no task of this kind, no run time."""
    run = {"noop": forecast.Run(0.5, 9)}
    assert forecast.of("noop", 0.0123456, 0, 0.0, {}) == forecast.Forecast(0, 0.0, None, 0, 0.0123)
    assert forecast.of("noop", 1, 10, 0.0, run) == forecast.Forecast(10, None, 0.5, 9, 1)
    assert forecast.of("noop", 1, 10, 4.0, run) == forecast.Forecast(10, 2.5, 0.5, 9, 1)
    assert forecast.of("other", 1, 10, 4.0, run).run_s is None


def test_it_is_told_and_kept(house: House) -> None:
    """In the 202 answer and in the record, as it was then; measured by what ended here."""

    async def story(h: House) -> None:
        first = (await h.post(SEED)).json()
        told = first["estimated"]
        assert (told["position"], told["wait_s"], told["run_s"], told["sample"]) == (0, 0.0, None, 0)
        assert 0 < told["cpu_s"] < 1
        for _ in range(4):
            await h.submitted()
        h.finish(2)
        for task in h.desk.background:  # nobody but this test looks
            task.cancel()
        await h.desk.look_around()
        await h.desk.look_inside()
        later = (await h.post(SEED)).json()
        told = later["estimated"]
        assert (told["position"], told["sample"]) == (3, 2)
        assert 0 < told["run_s"] < 60
        assert told["wait_s"] == round(3 / h.desk.drained, 1)
        for answer in (first, later):
            record = (await h.get(answer["links"]["self"])).json()
            assert record["estimated"] == answer["estimated"], "to stand beside what came"
        listed = (await h.get("/tasks?limit=1")).json()["tasks"][0]
        assert listed["estimated"] == told

    house.tell(story)


def test_a_replay_tells_what_was_told(house: House) -> None:
    """As the first answer did; of tasks of a batch nothing is foretold."""

    async def story(h: House) -> None:
        first, second = [(await h.post(SEED, idempotency_key="k")).json() for _ in range(2)]
        assert second == first
        batch = (await h.post([SEED], "/tasks/batch")).json()["batch_id"]
        (task,) = (task for task in (await h.get("/tasks")).json()["tasks"] if task["batch_id"] == batch)
        assert task["estimated"] is None
        assert h.store.do(verbs.cancel(task["task_id"], SHARE)) == "ok"

    house.tell(story)
