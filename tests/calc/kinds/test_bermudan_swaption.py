"""Swaptions: formulas, quadrature, bounds, parity, symmetries, grids, bad rows, limits, refusals, self-checks."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import bermudan_faults, bermudan_swaption, bermudan_terms
from calc.numerics import swaptions
from calc.numerics.hull_white import HullWhite
from calc.numerics.swaptions import Priced
from tests.calc.laws import LAWS

MODEL = {"rate": 0.04, "mean_reversion": 0.05, "volatility": 0.01}
SWAP = {"product": "bermudan_swaption", "side": "pay", "exercise_times": [2, 3, 4, 5, 6], "end": 7, "fixed_rate": 0.04}
BOND = {"product": "bond_option", "type": "call", "exercise_times": [1, 2, 3], "end": 6, "strike": 98, "notional": 100}

HARDER: dict[str, dict[str, Any]] = {
    "one": SWAP | MODEL,
    "book": SWAP | MODEL | {"exercise_times": [[1], [0, 2], None, [3, 2]], "end": [7, 7.3, 7, 7]},
    "bond": BOND | MODEL | {"fixed_rate": 0.05, "frequency": 2},
    "totals": SWAP | MODEL | {"fixed_rate": [0.01 * i for i in range(9)], "output": "totals", "rate_shifts": [0.01]},
    "certain": SWAP | MODEL | {"volatility": 0, "volatility_shifts": [0, 0.01]},
    "negative": SWAP | MODEL | {"mean_reversion": -0.02, "rate": -0.01, "fixed_rate": -0.01},
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("data", HARDER.values(), ids=HARDER)
def test_law(data: dict[str, Any], law: Any) -> None:
    law(bermudan_swaption, data)


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("bermudan_swaption", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("bermudan_swaption", planned.data))


def refusal(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return [(fault.path, fault.code) for fault in refused.value.faults]


@pytest.mark.parametrize("side", ["pay", "receive"])
@pytest.mark.parametrize("fixed_rate", [-0.01, 0.0, 0.02, 0.04, 0.08])
def test_two_dates_by_a_double_integral(side: str, fixed_rate: float) -> None:
    """The law of the factor on both dates, on a fine grid each: no spline, no cut, no recursion."""
    a, vol, rate, dates, end = 0.05, 0.01, 0.04, (1.0, 3.0), 5.0
    model = HullWhite(a, vol)
    sign = 1.0 if side == "pay" else -1.0

    def swap(date: float, y: Any) -> Any:
        def bond(time: float) -> Any:
            b, v = model.duration(time - date), model.variance(date)
            return math.exp(-rate * (time - date)) * np.exp(-b * y - 0.5 * b * b * v)

        paid = [date + k for k in range(1, round(end - date) + 1)]
        return sign * (1.0 - bond(end) - fixed_rate * sum(bond(time) for time in paid))

    z = np.linspace(-9, 9, 1501)
    w = (z[1] - z[0]) * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    first = z * math.sqrt(model.variance(dates[0]))
    step, reach = dates[1] - dates[0], model.duration(dates[1] - dates[0])
    centre = model.decay(step) * (first + reach * model.variance(dates[0]))
    later = centre[:, None] + math.sqrt(model.variance(step)) * z
    kept = np.maximum(swap(dates[1], later), 0.0) @ w
    kept *= math.exp(-rate * step) * np.exp(-reach * first - 0.5 * reach * reach * model.variance(dates[0]))
    expected = math.exp(-rate * dates[0]) * float(np.maximum(swap(dates[0], first), kept) @ w)
    given = {"side": side, "fixed_rate": fixed_rate, "exercise_times": list(dates), "end": end}
    found = answer(**SWAP | MODEL | given)
    assert found["price"] == pytest.approx(expected, abs=1e-5 * 0.02 + 2e-7)  # the integral's own error at its kinks
    assert found["error"] < 3e-9


RUNAWAY = {"product": "bermudan_swaption", "rate": 0.0, "mean_reversion": -0.5, "volatility": 0.01}
WIDE_BOND = {"product": "bond_option", "type": "call", "rate": 0.0, "notional": 1}


@pytest.mark.parametrize(
    "data",
    [
        # Exercise is best on one date whatever comes: on the first, for coupons or accrual would be lost, or the last.
        RUNAWAY
        | {"exercise_times": [20 + k / 2 for k in range(10)], "end": 25.5, "mean_reversion": -0.1522}
        | {"fixed_rate": 0.04, "frequency": 2, "side": "receive"},
        RUNAWAY | {"exercise_times": [0, 0.25, 0.5], "end": 11.58, "rate": -0.05, "fixed_rate": 0, "side": "pay"},
        WIDE_BOND
        | {"exercise_times": [1.742, 2.242], "end": 3.242, "mean_reversion": -0.359, "volatility": 1.0}
        | {"fixed_rate": 0.06, "strike": 0.001},
        WIDE_BOND
        | {"exercise_times": [20, 20.25, 20.5, 20.75, 21], "end": 21.25, "mean_reversion": 0.0, "volatility": 0.87}
        | {"fixed_rate": 0.04, "frequency": 12, "strike": 2.25},
    ],
)
def test_rates_that_run_far_are_integrated_to_where_the_weight_is(data: dict[str, Any]) -> None:
    found = answer(**data)
    assert found["price"] == pytest.approx(found["european_price"], abs=1e-8)


@pytest.mark.parametrize(
    ("data", "price"),
    [
        (
            RUNAWAY
            | {"exercise_times": [3.75231579, 4.00231579, 4.25231579], "end": 14.25231579}
            | {"volatility": 0.0015254991852462017, "fixed_rate": 0.04, "side": "pay"},
            0.6426371468,
        ),
        (MODEL | SWAP | {"exercise_times": [10, 10.25, 10.5, 10.75], "end": 11, "frequency": 4}, 0.00664536622),
    ],
)
def test_dates_close_together_after_a_long_time(data: dict[str, Any], price: float) -> None:
    """The values with 1024 points of a grid in a deviation, and five times the nodes."""
    assert answer(**data)["price"] == pytest.approx(price, abs=3e-9)


@pytest.mark.parametrize("seed", range(3))
def test_no_self_check_fails_however_rates_revert(seed: int) -> None:
    chance = np.random.default_rng(seed)
    for _ in range(40):
        times = (chance.uniform(0, 20) + np.arange(chance.integers(2, 6)) * chance.choice([0.1, 1])).tolist()
        data = RUNAWAY | {"mean_reversion": chance.uniform(-0.5, 0.1), "side": str(chance.choice(["pay", "receive"]))}
        data |= {"exercise_times": times, "end": times[-1] + chance.uniform(1, 15), "rate": chance.uniform(-0.1, 0.1)}
        data |= {"fixed_rate": chance.uniform(-0.02, 0.1), "volatility": math.exp(chance.uniform(-12, -3))}
        params = bermudan_terms.Params(**data)
        if bermudan_faults.too_wild(params, bermudan_terms.right(params, 0)) is None:
            found = answer(**data)
            assert found["price"] >= found["european_price"] - 1e-8


def test_a_payer_less_a_receiver_is_the_swap() -> None:
    one_date = SWAP | MODEL | {"product": "european_swaption", "exercise_times": 2.5, "start": 3}
    pay, receive = (answer(**one_date | {"side": side})["price"] for side in ("pay", "receive"))
    swap = math.exp(-0.04 * 3) - math.exp(-0.04 * 7) - 0.04 * sum(math.exp(-0.04 * t) for t in (4, 5, 6, 7))
    assert pay - receive == pytest.approx(swap, abs=1e-15)


def test_a_receiver_is_a_call_on_the_bond_at_par() -> None:
    receiver = answer(**SWAP | MODEL | {"side": "receive"})
    call = answer(
        **BOND
        | MODEL
        | {"exercise_times": [2, 3, 4, 5, 6], "end": 7, "strike": 1, "notional": 1}
        | {"fixed_rate": 0.04}
    )
    assert call["price"] == pytest.approx(receiver["price"], rel=1e-12)
    assert [each["level"] for each in call["exercise_boundary"]] == pytest.approx([1.0] * 5, abs=0.2)


def test_more_dates_of_a_bond_option_are_worth_more() -> None:
    prices = [
        answer(**BOND | MODEL | {"exercise_times": [3 - k / 4 for k in range(n, -1, -1)]})["price"]
        for n in (0, 1, 4, 11)
    ]
    assert prices == sorted(prices)


def test_more_dates_are_worth_more() -> None:
    prices = [
        answer(**SWAP | MODEL | {"exercise_times": [6, 5, 4, 3, 2][:n][::-1], "start": 2})["price"] for n in range(1, 6)
    ]
    assert prices == sorted(prices)
    assert prices[0] < prices[-1]


def test_a_price_stays_where_its_date_is_near_another() -> None:
    """A date that adds nothing, and dates that coincide but for a moment."""
    whole = answer(**SWAP | MODEL)["price"]
    near = answer(**SWAP | MODEL | {"exercise_times": [2 - 1e-12, 2, 3, 4, 5, 6], "start": 2})
    assert near["price"] == pytest.approx(whole, abs=2e-8)


def test_scale_and_order() -> None:
    rates = [0.03, 0.04, 0.05, 0.02]
    found = answer(**SWAP | MODEL | {"fixed_rate": rates})
    large = answer(**SWAP | MODEL | {"fixed_rate": rates, "notional": 2.0**20})
    assert large["price"] == [each * 2.0**20 for each in found["price"]]
    turned = answer(**SWAP | MODEL | {"fixed_rate": rates[::-1]})
    assert turned["price"] == found["price"][::-1]
    assert found["value"] == math.fsum(found["price"])


def test_volatility_adds_value_and_none_leaves_the_best_swap() -> None:
    found = answer(**SWAP | MODEL | {"volatility": 0, "volatility_shifts": [0, 0.002, 0.005, 0.01, 0.02, 1e-9]})
    prices = [cell["price"] for cell in found["grid"]]
    assert prices[:-1] == sorted(prices[:-1])
    par = [math.exp(-0.04 * t) for t in range(8)]
    sure = max(par[s] - par[7] - 0.04 * sum(par[s + 1 :]) for s in range(2, 7))
    assert found["price"] == pytest.approx(sure, abs=1e-16)
    assert prices[-1] == pytest.approx(sure, abs=1e-9)


def test_at_once() -> None:
    """Exercise now is the swap itself, when it is deep in the money and rates hardly move."""
    found = answer(**SWAP | MODEL | {"exercise_times": [0, 1], "end": 10, "fixed_rate": -0.02, "volatility": 0.001})
    fixed = sum(-0.02 * math.exp(-0.04 * t) for t in range(1, 11))
    assert found["price"] == pytest.approx(1 - math.exp(-0.4) - fixed, abs=1e-14)
    assert found["exercise_boundary"][0]["level"] is None


def test_a_grid_is_the_trade_with_its_market_changed() -> None:
    found = answer(**SWAP | MODEL | {"rate_shifts": [-0.01, 0, 0.02], "volatility_shifts": [0, 0.005]})
    assert [(cell["rate_shift"], cell["volatility_shift"]) for cell in found["grid"]] == [
        *((-0.01, 0), (-0.01, 0.005), (0, 0), (0, 0.005), (0.02, 0), (0.02, 0.005))
    ]
    for cell in found["grid"]:
        market = {"rate": 0.04 + cell["rate_shift"], "volatility": 0.01 + cell["volatility_shift"]}
        assert cell["price"] == pytest.approx(answer(**SWAP | MODEL | market)["price"], abs=1e-15)
        assert cell["change"] == cell["value"] - found["value"]
    assert found["grid"][2]["change"] == 0


def test_a_curve_of_one_rate_is_that_rate() -> None:
    curve = {"times": [1, 30], "zero_rates": [0.04, 0.04]}
    found = answer(**SWAP | MODEL | {"rate": None, "curve": curve})["price"]
    assert found == pytest.approx(answer(**SWAP | MODEL)["price"], rel=1e-13)


def test_the_boundary_is_where_the_swap_is_worth_the_right() -> None:
    """On the last date at par; before it the swap must be worth more, the more so the more dates are left."""
    levels = [each["level"] for each in answer(**SWAP | MODEL)["exercise_boundary"]]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == pytest.approx(0.04, abs=1e-10)
    receiver = [each["level"] for each in answer(**SWAP | MODEL | {"side": "receive"})["exercise_boundary"]]
    assert receiver == sorted(receiver)


BAD = {
    "end": [None, 1.5, 200.0, 2.0],
    "fixed_rate": [None, 1.5],
    "side": [None, "buy"],
    "notional": [None, 0.0, -1.0],
    "frequency": [None, 3.0, 0.0],
    "exercise_times": [None, [], [3, 2], [2, 2], [-1.0], [101.0], [7.0], [2, 6.5]],
}


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name, each in BAD.items() for bad in each])
def test_a_bad_row_spoils_no_other(place: int, name: str, bad: Any) -> None:
    good = {"end": 7, "fixed_rate": 0.04, "side": "pay", "notional": 10, "frequency": 1, "exercise_times": [2, 4]}
    columns = {key: [value] * 5 for key, value in good.items()}
    clean = answer(**SWAP | MODEL | columns)
    spoilt = answer(**SWAP | MODEL | columns | {name: [bad if i == place else good[name] for i in range(5)]})
    assert spoilt["status"] == ["bad_input" if i == place else "ok" for i in range(5)]
    assert spoilt["price"] == [None if i == place else price for i, price in enumerate(clean["price"])]
    assert spoilt["value"] == pytest.approx(clean["value"] * 0.8, rel=1e-14)
    assert spoilt["diagnostics"]["counts"] == {"ok": 4, "bad_input": 1}


def test_beyond_the_model() -> None:
    wild = SWAP | MODEL | {"volatility": 0.9, "mean_reversion": 0, "end": [3, 60], "exercise_times": [1, 2]}
    assert answer(**wild)["status"] == ["ok", "beyond_model"]
    assert refusal(**wild | {"end": 60}) == [("$.data.volatility", "out_of_range")]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"curve": {"times": [1], "zero_rates": [0.04]}}, "$.data.rate", "invalid"),
        ({"rate": None}, "$.data.rate", "invalid"),
        ({"side": None}, "$.data.side", "missing"),
        ({"fixed_rate": None}, "$.data.fixed_rate", "missing"),
        ({"strike": 1}, "$.data.strike", "invalid"),
        ({"product": "european_swaption"}, "$.data.exercise_times", "invalid"),
        ({"exercise_times": [6.5], "end": 6.5}, "$.data.end", "invalid"),
        ({"exercise_times": [2, 6.5], "start": 2}, "$.data.exercise_times", "out_of_range"),
        ({"exercise_times": []}, "$.data.exercise_times", "invalid"),
        ({"exercise_times": [2, [3]]}, "$.data.exercise_times", "invalid"),
        ({"exercise_times": [[2], [3]], "fixed_rate": [0.01] * 3}, "$.data.exercise_times", "length_mismatch"),
        ({"fixed_rate": [0.01] * 3, "exercise_times": [3, 2]}, "$.data.exercise_times", "invalid"),
        ({"end": 1.5, "exercise_times": [1], "start": 1.5}, "$.data.end", "invalid"),
        ({"end": 101}, "$.data.end", "out_of_range"),
        ({"frequency": 3}, "$.data.frequency", "out_of_range"),
        ({"volatility_shifts": [-0.02]}, "$.data.volatility_shifts", "out_of_range"),
        ({"fixed_rate": [0.01] * 20_001}, "$.data.fixed_rate", "too_large"),
        (
            {"fixed_rate": [0.01] * 20_000, "rate_shifts": [0.01] * 100, "frequency": 12, "output": "totals"},
            "$.data.exercise_times",
            "too_large",
        ),
        ({"exercise_times": 2, "fixed_rate": [0.01] * 4000, "rate_shifts": [0.0] * 100}, "$.data.output", "too_large"),
        ({"volatility": 1.5}, "$.data.volatility", "out_of_range"),
    ],
)
def test_what_is_refused(change: dict[str, Any], path: str, code: str) -> None:
    assert (path, code) in refusal(**SWAP | MODEL | change)


def test_parts_are_joined_in_order() -> None:
    rates = [0.01 + 0.0001 * i for i in range(1000)]
    data = json.dumps(SWAP | MODEL | {"fixed_rate": rates}).encode()
    planned = execute.plan("bermudan_swaption", data, fresh_seed=0)
    assert planned.parts > 1
    params = bermudan_terms.Params(**SWAP | MODEL | {"fixed_rate": rates})
    across = bermudan_swaption._rows_a_part(params)
    second = bermudan_swaption.run(params, 1)
    alone = answer(**SWAP | MODEL | {"fixed_rate": rates[across]})["price"]
    assert np.frombuffer(second.prices[0], "<f8")[0] == alone


def test_percent_is_noticed() -> None:
    warnings = answer(**SWAP | MODEL | {"volatility": 0.2, "rate": 0.9, "mean_reversion": -0.01})["diagnostics"][
        "warnings"
    ]
    assert [each["path"].rpartition(".")[2] for each in warnings] == ["volatility", "rate", "mean_reversion"]


def test_the_self_check_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    right = swaptions._backward

    def wrong(*given: Any) -> Any:
        value, *rest = right(*given)
        return 0.7 * value, *rest

    monkeypatch.setattr(swaptions, "_backward", wrong)
    with pytest.raises(CalcError, match="european_bounds") as failed:
        answer(**SWAP | MODEL)
    assert failed.value.code == "internal_check_failed"


def test_the_self_check_knows_both_bounds() -> None:
    bermudan_swaption.check_bounds(Priced(1.5, 0.0, 1, [1.0, 0.7], []), 1.0)
    for price in (0.99, 1.71):
        with pytest.raises(CalcError, match="european_bounds"):
            bermudan_swaption.check_bounds(Priced(price, 0.0, 1, [1.0, 0.7], []), 1.0)
