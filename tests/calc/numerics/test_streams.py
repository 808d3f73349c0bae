"""A stream is its name: the same numbers always, and other numbers under every other name."""

from calc.numerics.streams import stream


def test_the_same_name_gives_the_same_numbers() -> None:
    assert stream(42, 7).standard_normal(5).tobytes() == stream(42, 7).standard_normal(5).tobytes()


def test_four_hundred_names_give_four_hundred_first_draws() -> None:
    names = [(seed, block) for seed in (0, 1, 2, 2**53 - 1) for block in range(100)]
    assert len({stream(seed, block).random() for seed, block in names}) == 400


def test_a_long_block_does_not_run_into_the_next() -> None:
    beyond = stream(1, 0).random(200_000)[-1000:]
    assert not set(beyond) & set(stream(1, 1).random(200_000))
