"""How many jobs at a time, and in which order: small arithmetic, large consequences."""

from msgspec import structs

from consumer.known import MOST_BYTES, MOST_TASKS, Known
from consumer.pace import COMPANY, MOST_A_BUNDLE, MOST_READY, ROUND, SHORT_S, STANDING, SURE, Pace, is_urgent
from consumer.timers import Timer
from pipeline.record import Job


def job(kind: str = "tiny", task: str = "t", parts: int = 1, data: bytes | None = b"{}") -> Job:
    return Job("medium/1-1", task, "p0", parts, kind, "local", 1, 0, data, 60.0, 0, "", "")


def test_a_kind_is_not_bundled_before_it_has_proved_tiny() -> None:
    pace = Pace()
    assert pace.bundle(job()) == 1
    pace.learn(job(), 0.5)
    assert pace.bundle(job()) == 1


def test_a_bundle_is_about_two_milliseconds_of_work() -> None:
    pace = Pace()
    pace.learn(job(), 0.000_2)
    assert pace.bundle(job()) == 10
    pace.learn(job("tinier"), 0.000_001)
    assert pace.bundle(job("tinier")) == MOST_A_BUNDLE
    assert pace.bundle(job("other")) == 1


def test_one_hiccup_does_not_end_the_bundling_and_a_few_slow_jobs_do() -> None:
    pace = Pace()
    for _ in range(20):
        pace.learn(job(), 0.000_02)
    pace.learn(job(), 0.01)
    assert pace.bundle(job()) > 16
    for _ in range(5):
        pace.learn(job(), 1.0)
    assert pace.bundle(job()) == 1


def test_a_child_that_is_killed_at_once_does_not_prove_its_kind_tiny() -> None:
    pace = Pace()
    pace.outlasted(job(), 0.000_02)
    assert pace.bundle(job()) == 1
    pace.learn(job(), 0.000_1)
    before = pace.bundle(job())
    assert before > 1
    pace.outlasted(job(), 0.000_02)
    assert pace.bundle(job()) == before
    for _ in range(5):
        pace.outlasted(job(), 1.0)
    assert pace.bundle(job()) == 1


def test_steps_of_a_kind_are_measured_apart() -> None:
    pace = Pace()
    pace.learn(job(parts=9), 0.000_1)
    assert pace.bundle(job(parts=9)) > 1
    assert pace.bundle(job(parts=1)) == 1


def test_of_short_jobs_a_sixth_of_a_second_is_kept_ready_after_many_takes_of_nothing_else() -> None:
    pace = Pace()
    for kind, seconds in (
        ("short", SHORT_S / 2),
        ("shorter", SHORT_S / 4),
        ("shortest", SHORT_S / 32),
        ("long", SHORT_S),
    ):
        pace.learn(job(kind), seconds)
    assert [pace.is_short(job(kind)) for kind in ("short", "long", "new")] == [True, False, False]
    assert [pace.most_ready(job(kind)) for kind in ("short", "shorter", "shortest", "long")] == [4, 8, MOST_READY, 0]
    ready = []
    for _ in range(SURE + 1):
        pace.took([job("short")], 100)
        ready.append(pace.ready)
    assert ready == [0] * (SURE - 1) + [4] * 2
    assert (pace.ahead, pace.spare) == (1, 100 // STANDING)
    assert pace.company_s == COMPANY * SHORT_S / 2
    pace.took([job("short"), job("shorter")], 7)
    assert (pace.ready, pace.spare) == (4, 0), "as few as of the longest; and nothing of what is nearly over"
    pace.took([job("short"), job("long")], 100)
    assert (pace.ready, pace.company_s) == (0, 0.0)


def test_what_came_of_a_high_job_waits_for_no_company() -> None:
    places = ("high", "high:again", "medium", "low:again")
    assert [is_urgent(structs.replace(job(), token=f"{place}/1-1")) for place in places] == [True, True, False, False]


def test_reading_ahead_grows_slowly_and_one_job_that_is_not_tiny_ends_it() -> None:
    pace = Pace()
    pace.learn(job(), 0.000_1)
    ahead = []
    for _ in range(SURE + 6):
        pace.took([job(), job()], 100)
        ahead.append(pace.ahead)
    assert ahead == [1] * (SURE - 1) + [2, 4, 8, 16, 20, 20, 20]
    pace.took([], 0)
    assert pace.ahead == 20
    pace.took([job(), job("unknown")], 100)
    assert pace.ahead == 1


def test_of_a_round_of_takes_one_begins_with_low_and_one_with_medium() -> None:
    pace = Pace()
    first = []
    for _ in range(3 * ROUND):
        first.append(pace.order()[0])
        assert sorted(pace.order()) == ["high", "low", "medium"]
        pace.took([job()], 100)
    for start in range(len(first) - ROUND + 1):
        window = first[start : start + ROUND]
        assert (window.count("low"), window.count("medium")) == (1, 1)
    assert first[0] == "high"


def test_a_take_that_brought_nothing_does_not_use_up_a_turn() -> None:
    pace = Pace()
    before = pace.order()
    pace.took([], 0)
    assert pace.order() == before


def test_known_data_are_kept_until_others_are_used() -> None:
    known = Known()
    assert known.data(job(task="a", parts=9, data=b"A")) == b"A"
    for n in range(MOST_TASKS - 1):
        known.data(job(task=f"b{n}", parts=9))
    assert known.data(job(task="a", parts=9, data=None)) == b"A"
    known.data(job(task="c", parts=9))
    assert "b0" not in known.tasks()
    assert "a" in known.tasks()
    assert len(known.tasks()) == MOST_TASKS


def test_known_data_are_bounded_in_bytes_and_those_of_one_part_are_not_kept() -> None:
    known = Known()
    assert known.data(job(task="one", data=b"1")) == b"1"
    assert known.tasks() == []
    for n in range(4):
        known.data(job(task=f"big {n}", parts=2, data=bytes(MOST_BYTES // 2 - 1)))
    assert known.tasks() == ["big 2", "big 3"]


def test_a_timer_is_due_once_a_period_and_tells_how_late_it_was() -> None:
    times: list[float] = []
    timer = Timer(2.0, lambda: times.append(timer.late_ms))
    start = timer.due
    timer.run(start - 0.1)
    timer.run(start + 0.5)
    timer.run(start + 2.4)
    timer.run(start + 2.5)
    assert times == [500.0, 0.0]
    timer.soon()
    timer.run(start + 2.6)
    assert len(times) == 3
