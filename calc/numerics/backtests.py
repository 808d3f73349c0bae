"""Whether losses went beyond VaR as often, and as independently, as they should.

Kupiec (1995), *Techniques for verifying the accuracy of risk measurement models*; Christoffersen (1998), *Evaluating
interval forecasts*; Basel Committee (1996), *Supervisory framework for the use of backtesting*.
"""

import itertools
import math
from typing import NamedTuple

GREEN, YELLOW = 0.95, 0.9999  # a zone ends before the probability of so few exceptions reaches this
PLUS_FACTORS = (0.4, 0.5, 0.65, 0.75, 0.85)  # of 5 to 9 exceptions in 250 days at 99 %


class Test(NamedTuple):
    """A likelihood ratio, and the probability of one as large."""

    lr: float
    p_value: float


class Traffic(NamedTuple):
    """The zones of the Basel traffic light: the most exceptions in green and in yellow, with their probabilities.

    `plus_factor` is Basel's for 250 days at 99 %, and None for other numbers, for which there is no table.
    """

    zone: str
    green_max: int
    yellow_max: int
    green_probability: float
    yellow_probability: float
    cumulative_probability: float
    plus_factor: float | None


def kupiec(observations: int, exceptions: int, expected: float) -> Test:
    """Unconditional coverage: whether exceptions are as many as the probability `expected` says."""
    n, x = observations, exceptions
    seen = x / n
    return _test(
        _log_power(n - x, 1 - seen) + _log_power(x, seen), _log_power(n - x, 1 - expected) + _log_power(x, expected), 1
    )


def independence(n00: int, n01: int, n10: int, n11: int) -> Test:
    """Whether an exception is as likely after one as after none; n01: days with one after a day without."""
    after_none = n01 / (n00 + n01) if n00 + n01 else 0.0
    after_one = n11 / (n10 + n11) if n10 + n11 else 0.0
    always = (n01 + n11) / (n00 + n01 + n10 + n11)
    free = _log_power(n00, 1 - after_none) + _log_power(n01, after_none)
    free += _log_power(n10, 1 - after_one) + _log_power(n11, after_one)
    return _test(free, _log_power(n00 + n10, 1 - always) + _log_power(n01 + n11, always), 1)


def conditional_coverage(coverage: Test, independent: Test) -> Test:
    """Both at once: the sum of the ratios, two degrees of freedom."""
    lr = coverage.lr + independent.lr
    return Test(lr, math.exp(-0.5 * lr))


def traffic_light(observations: int, exceptions: int, expected: float) -> Traffic:
    """The zone of so many exceptions."""
    cumulated = _binomial(observations, expected, exceptions)
    green = _last_below(cumulated, GREEN)
    yellow = _last_below(cumulated, YELLOW)
    zone = "green" if exceptions <= green else "yellow" if exceptions <= yellow else "red"
    plus = None
    if observations == 250 and math.isclose(expected, 0.01, rel_tol=1e-9):
        plus = {"green": 0.0, "red": 1.0}.get(zone) if zone != "yellow" else PLUS_FACTORS[exceptions - 5]
    return Traffic(zone, green, yellow, _at(cumulated, green), _at(cumulated, yellow), cumulated[exceptions], plus)


def transitions(exceptions: list[bool]) -> tuple[int, int, int, int]:
    """n00, n01, n10, n11 of consecutive days."""
    counts = [0, 0, 0, 0]
    for before, now in itertools.pairwise(exceptions):
        counts[2 * before + now] += 1
    return counts[0], counts[1], counts[2], counts[3]


def _test(free: float, bound: float, degrees: int) -> Test:
    lr = max(2 * (free - bound), 0.0)
    return Test(lr, math.erfc(math.sqrt(lr / 2)))


def _log_power(count: int, probability: float) -> float:
    """log(probability^count), 0 where the count is."""
    return count * math.log(probability) if count else 0.0


def _binomial(n: int, p: float, at_least_to: int) -> list[float]:
    """P(X <= k), k = 0, 1, …, until it has passed both zones and `at_least_to`."""
    found: list[float] = []
    total, k = 0.0, 0
    while k <= n and (k <= at_least_to or total < YELLOW):
        log_choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))
        found.append(min(total, 1.0))
        k += 1
    return found


def _last_below(cumulated: list[float], level: float) -> int:
    return sum(each < level for each in cumulated) - 1


def _at(cumulated: list[float], k: int) -> float:
    return cumulated[k] if k >= 0 else 0.0
