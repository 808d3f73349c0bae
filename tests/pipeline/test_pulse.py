"""How many paths a second the fleet simulates: by the heartbeats, whoever comes, goes, or is lost."""

from pipeline.pulse import Paths
from pipeline.record import Beat, Tally


def beat(name: str, at_s: float, paths: dict[str, int]) -> Beat:
    """A heartbeat of that second, with what its consumer has simulated by then."""
    figures = Tally(paths=paths)
    return Beat(
        name=name, host="h", pid=1, version="1", started_at=1, beat_at=int(at_s * 1000), children=[], figures=figures
    )


def test_it_is_the_sum_over_the_consumers_each_by_its_own_beats() -> None:
    paths = Paths()
    assert paths.per_s() == 0, "without a consumer nothing is simulated"
    paths.note([beat("a", 10, {"var_mc": 5_000}), beat("b", 9.5, {})], 10_000)
    assert paths.per_s() is None, "one beat says nothing of a pace"
    paths.note([beat("a", 12, {"var_mc": 9_000, "cva": 1_000}), beat("b", 11.5, {"cva": 600})], 12_000)
    assert paths.per_s() == 2_500 + 300
    paths.note([beat("a", 12, {"var_mc": 9_000, "cva": 1_000}), beat("b", 11.5, {"cva": 600})], 13_000)
    assert paths.per_s() == 2_500 + 300, "between two beats nothing is new"


def test_it_is_of_the_last_seconds() -> None:
    paths = Paths()
    for second in range(0, 30, 2):
        paths.note([beat("a", second, {"var_mc": 1_000 * min(second, 10)})], second * 1000)
    assert paths.per_s() == 0, "nothing was simulated in the last ten seconds"
    paths.note([beat("a", 30, {"var_mc": 30_000})], 30_000)
    assert paths.per_s() == 2_000, "the mean of ten seconds"


def test_who_is_lost_or_has_left_counts_no_more() -> None:
    paths = Paths()
    for second in (0, 2):
        paths.note([beat("a", second, {"cva": 100 * second}), beat("b", second, {"cva": 50 * second})], second * 1000)
    assert paths.per_s() == 150
    paths.note([beat("a", 2, {"cva": 200}), beat("b", 8, {"cva": 400})], 8_000)
    assert paths.per_s() == 50, "a has been silent for too long"
    paths.note([], 10_000)
    assert paths.per_s() == 0


def test_a_tally_that_begins_again_is_no_pace() -> None:
    paths = Paths()
    for second, told in enumerate([{"cva": 100}, {}, {}, {"cva": 200}, {"cva": 300}]):
        paths.note([beat("a", second, told)], second * 1000)
    assert paths.per_s() == 100, "it counts from 0 again"
