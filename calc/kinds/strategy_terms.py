"""The data of the kind `strategy_grid`: its fields, their units and bounds, and what is wrong between them."""

import itertools
import math
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from calc.checks import ragged_faults
from calc.covariances import asset_names
from calc.errors import Fault
from calc.kind import once_per_params
from calc.quantities import measure

MOST_NUMBERS = 2_000_000  # of the prices
MOST_SETS = 20_000
MOST_SPLITS = 2000
MOST_WORK = 10**12  # sets × prices, × the window where a rule looks at all of it
FEWEST = 20  # observations that figures are made of

Window = Annotated[int, Meta(ge=1, le=10_000)]
Windows = Annotated[list[Window], Meta(min_length=1, max_length=1000)]
Threshold = Annotated[float, Meta(ge=0, le=1000)]
Price = Annotated[float, Meta(ge=1e-9, le=1e9)]
RULES = ("moving_average", "momentum", "mean_reversion", "breakout")  # in the order of the kernel's numbers
# What each rule is asked with; the last of a pair has a default.
NEEDED = {
    "moving_average": ("fast", "slow"),
    "momentum": ("lookback",),
    "mean_reversion": ("lookback", "threshold"),
    "breakout": ("lookback",),
}
USED = NEEDED | {"momentum": ("lookback", "threshold")}
GRID = ("fast", "slow", "lookback", "threshold")
OF_PRICES = ("prices", "rule", "grid")
OF_A_RATIO = ("sharpe", "observations", "trials", "trials_variance", "skewness", "kurtosis")


class Grid(Struct, frozen=True, forbid_unknown_fields=True):
    """Values to be tried of each parameter; every combination is a set."""

    fast: Annotated[Windows | None, measure("Fast", "periods", "Window of the faster average.", [5, 10, 20])] = None
    slow: Annotated[Windows | None, measure("Slow", "periods", "Window of the slower one.", [50, 100])] = None
    lookback: Annotated[Windows | None, measure("Lookback", "periods", "Window of the other rules.", [20, 60])] = None
    threshold: Annotated[
        Annotated[list[Threshold], Meta(min_length=1, max_length=1000)] | None,
        measure("Threshold", "none", "Of momentum a return, of mean_reversion standard deviations.", [1, 2]),
    ] = None


class WalkForward(Struct, frozen=True, forbid_unknown_fields=True):
    """The set that was best over `train` periods is held over the next `test`; then the window moves on by `test`."""

    train: Annotated[int, measure("Train", "periods", "Of the window that chooses.", 500, ge=FEWEST, le=10**6)]
    test: Annotated[int, measure("Test", "periods", "Of the window that is traded.", 60, ge=1, le=10**6)]
    anchored: Annotated[
        bool, Meta(title="Anchored", description="Whether the window that chooses always begins with the first period.")
    ] = False


class ParameterSet(NamedTuple):
    """One of the grid; None where its rule has no such parameter."""

    fast: int | None
    slow: int | None
    lookback: int | None
    threshold: float | None

    @property
    def window(self) -> int:
        return self.lookback if self.lookback is not None else self.slow or 0


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    task: Annotated[
        Literal["grid", "deflated_sharpe"],
        Meta(title="Task", description="grid: of prices. deflated_sharpe: of a Sharpe ratio that is known."),
    ] = "grid"
    prices: Annotated[
        list[list[Price]] | None,
        measure(
            "Prices",
            "currency",
            "One row a time, oldest first; one column an asset, dividends within it.",
            [[100, 50], [101, 49.5]],
        ),
    ] = None
    assets: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=64)]] | None,
        Meta(title="Assets", description="Names of the columns.", examples=[["AAPL", "MSFT"]]),
    ] = None
    rule: Annotated[
        Literal["moving_average", "momentum", "mean_reversion", "breakout"] | None,
        Meta(title="Rule", description="What makes a signal of an asset's prices."),
    ] = None
    grid: Annotated[Grid, Meta(title="Grid")] | None = None
    side: Annotated[
        Literal["long_short", "long_only"], Meta(title="Side", description="Whether a signal to sell sells short.")
    ] = "long_short"
    cost: Annotated[
        float, measure("Cost", "fraction", "Of each amount that is traded.", 0.0005, fraction=True, ge=0, le=0.5)
    ] = 0.0
    delay: Annotated[
        int,
        measure("Delay", "periods", "Between a signal's price and that at which it trades; 0 is the same.", 1),
        Meta(ge=0, le=100),
    ] = 1
    periods_per_year: Annotated[
        float, measure("Periods per year", "per year", "Of the prices; 252 of trading days.", 252, ge=0.01, le=1e6)
    ]
    risk_free_rate: Annotated[
        float,
        measure("Risk-free rate", "per year", "What a Sharpe ratio is above.", 0.0, fraction=True, ge=-0.5, le=1),
    ] = 0.0
    walk_forward: Annotated[WalkForward, Meta(title="Walk forward")] | None = None
    sharpe: Annotated[
        Annotated[float, Meta(ge=-1000, le=1000)] | None,
        measure("Sharpe ratio", "per square root of a year", "The best that was found.", 2.5),
    ] = None
    observations: Annotated[
        Annotated[int, Meta(ge=2, le=10**9)] | None, measure("Observations", "periods", "That it was found in.", 1250)
    ] = None
    trials: Annotated[
        Annotated[int, Meta(ge=1, le=10**9)] | None, measure("Trials", "count", "Independent tries before it.", 100)
    ] = None
    trials_variance: Annotated[
        Annotated[float, Meta(ge=0, le=1e6)] | None,
        measure("Variance of the trials", "per year", "Of their Sharpe ratios.", 0.5),
    ] = None
    skewness: Annotated[
        Annotated[float, Meta(ge=-1000, le=1000)] | None, measure("Skewness", "none", "Of the returns.", -3)
    ] = None
    kurtosis: Annotated[
        Annotated[float, Meta(ge=1, le=1e6)] | None, measure("Kurtosis", "none", "3 of a normal law.", 10)
    ] = None


@once_per_params
def sets(params: Params) -> list[ParameterSet]:
    """All combinations, the last parameter moving fastest."""
    grid = params.grid or Grid()
    used = USED[params.rule or "momentum"]
    given = [
        getattr(grid, name) or ([0.0] if name == "threshold" else [None]) if name in used else [None] for name in GRID
    ]
    return list(itertools.starmap(ParameterSet, itertools.product(*given)))


def first_signal(params: Params, window: int) -> int:
    """The time of the first price that has a signal."""
    return window - 1 if params.rule in ("moving_average", "mean_reversion") else window


def is_sensible(params: Params, each: ParameterSet) -> bool:
    """Whether a set is one that the prices can try: a fast average faster than the slow one, enough prices."""
    if each.fast is not None and each.slow is not None and each.fast >= each.slow:
        return False
    if params.rule == "mean_reversion" and each.window < 2:
        return False
    left = len(params.prices or ()) - 1 - params.delay - first_signal(params, each.window)
    return left >= FEWEST


@once_per_params
def first_move(params: Params) -> int:
    """The time of the first price whose move counts: all sets have the same ones."""
    windows = [first_signal(params, each.window) for each in sets(params) if is_sensible(params, each)]
    return max(windows) + params.delay + 1


def observations_of(params: Params) -> int:
    """Moves that count."""
    return len(params.prices or ()) - first_move(params)


def splits(params: Params) -> list[tuple[int, int, int]]:
    """Of a walk forward: begin and end of what chooses, end of what is traded; in observations."""
    walk = params.walk_forward
    if walk is None:
        return []
    count = max((observations_of(params) - walk.train) // walk.test, 0)
    return [
        (0 if walk.anchored else k * walk.test, k * walk.test + walk.train, (k + 1) * walk.test + walk.train)
        for k in range(count)
    ]


def work(params: Params) -> int:
    """Sets × prices, × the window where a rule looks at all of it."""
    numbers = len(params.prices or ()) * len((params.prices or [[]])[0])
    if params.rule in ("moving_average", "momentum"):
        return 4 * len(sets(params)) * numbers
    return sum(each.window + 4 for each in sets(params)) * numbers


def faults_of(params: Params) -> list[Fault]:
    """All that is wrong between fields; paths begin with $."""
    wanted, unwanted = (OF_PRICES, OF_A_RATIO) if params.task == "grid" else (OF_A_RATIO, OF_PRICES)
    faults = [
        Fault(f"$.{name}", f"is missing: the task {params.task} needs it", code="missing")
        for name in wanted
        if getattr(params, name) is None
    ]
    faults += [
        Fault(f"$.{name}", f"is not used by the task {params.task}", allowed="leave it out")
        for name in (*unwanted, *(("walk_forward", "assets") if params.task != "grid" else ()))
        if getattr(params, name) is not None
    ]
    if faults or params.task != "grid":
        return faults
    return _price_faults(params) or _grid_faults(params) or _walk_faults(params)


def _price_faults(params: Params) -> list[Fault]:
    prices = params.prices or []
    across = len(prices[0]) if prices else 0
    if not across:
        return [Fault("$.prices", "hold no price", len(prices))]
    faults = ragged_faults("$.prices", prices)
    if len(prices) * across > MOST_NUMBERS:
        faults.append(Fault("$.prices", f"has more than {MOST_NUMBERS:,} numbers", code="too_large"))
    if params.assets is not None and len(params.assets) != across:
        detail = f"has {len(params.assets)} entries, prices have {across} columns"
        faults.append(Fault("$.assets", detail, code="length_mismatch"))
    else:
        faults += asset_names(params.assets, across)[1]
    return faults[:100]


def _grid_faults(params: Params) -> list[Fault]:
    grid, rule = params.grid or Grid(), params.rule or ""
    faults = [
        Fault(f"$.grid.{name}", f"is missing: the rule {rule} needs it", code="missing")
        for name in NEEDED[rule]
        if getattr(grid, name) is None
    ]
    faults += [
        Fault(f"$.grid.{name}", f"is not used by the rule {rule}", allowed="leave it out")
        for name in GRID
        if name not in USED[rule] and getattr(grid, name) is not None
    ]
    if faults:
        return faults
    count = math.prod(len(getattr(grid, name) or (0,)) for name in USED[rule])
    if count > MOST_SETS:
        return [Fault("$.grid", f"has {count:,} sets: at most {MOST_SETS:,}", code="too_large")]
    if not any(is_sensible(params, each) for each in sets(params)):
        detail = (
            f"has no set that {len(params.prices or ()):,} prices can try: windows must leave {FEWEST} moves after the "
            "first signal, and fast must be below slow"
        )
        return [Fault("$.grid", detail, code="too_few_observations")]
    if work(params) > MOST_WORK:
        detail = f"times prices and windows is {work(params):.3g}: at most {MOST_WORK:.0e}; divide the grid"
        return [Fault("$.grid", detail, code="too_large")]
    return []


def _walk_faults(params: Params) -> list[Fault]:
    walk = params.walk_forward
    if walk is None:
        return []
    left = observations_of(params)
    if left < walk.train + walk.test:
        detail = f"and test are {walk.train + walk.test} periods: after the first signals there are {left}"
        return [Fault("$.walk_forward.train", detail, walk.train, code="too_few_observations")]
    if len(splits(params)) > MOST_SPLITS:
        detail = f"gives {len(splits(params)):,} windows: at most {MOST_SPLITS:,}"
        return [Fault("$.walk_forward.test", detail, walk.test, code="too_large")]
    return []
