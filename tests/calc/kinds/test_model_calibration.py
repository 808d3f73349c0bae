"""Parameters come back from quotes that a model made; minima, bounds, warnings and refusals; the self-checks."""

import json
import math
from typing import Any

import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import model_calibration as kind
from calc.kinds import model_calibration_descent as descent
from calc.numerics import calibration, heston_fit, sabr, smiles
from tests.calc.laws import LAWS

if kind.NAME not in execute.kinds():
    execute.load("calc.kinds.model_calibration")

HESTON = {"v0": 0.0175, "kappa": 1.5768, "theta": 0.0398, "xi": 0.5751, "rho": -0.5711}
SABR = {"alpha": 0.035, "beta": 0.5, "nu": 0.4, "rho": -0.25}
GRID = [{"maturity": T, "strike": K} for T in (0.25, 0.5, 1, 2) for K in range(80, 121, 5)]
SMILE = [{"maturity": 5, "strike": K} for K in (0.01, 0.02, 0.03, 0.0398, 0.05, 0.06)]


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("model_calibration", json.dumps(data).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute("model_calibration", planned.data))
    return found


def faults(**data: Any) -> dict[str, str]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return {fault.path: fault.code for fault in refused.value.faults}


def evaluated(model: str, parameters: dict[str, float], points: list[dict[str, Any]], **market: Any) -> dict[str, Any]:
    return answer(model=model, task="evaluate", parameters=parameters, points=points, **market)


def heston_quotes(of: str = "price", **market: Any) -> list[dict[str, Any]]:
    found = evaluated("heston", HESTON, GRID, **(market or {"forward": 100}))
    column = found["prices" if of == "price" else "volatilities"]
    return [{**point, of: value} for point, value in zip(GRID, column, strict=True)]


def sabr_quotes(parameters: dict[str, float], points: list[dict[str, Any]], **market: Any) -> list[dict[str, Any]]:
    column = evaluated("sabr", parameters, points, **market)["volatilities"]
    return [{**point, "volatility": value} for point, value in zip(points, column, strict=True)]


LAW_CASES = {
    "heston": kind.EXAMPLE,
    "sabr": {"model": "sabr", "forward": 0.0398, "quotes": sabr_quotes(SABR, SMILE, forward=0.0398), "starts": 20},
    "evaluate": {"model": "heston", "task": "evaluate", "forward": 100, "parameters": HESTON, "points": GRID[:3]},
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("example", LAW_CASES.values(), ids=LAW_CASES)
def test_laws(law: Any, example: dict[str, Any]) -> None:
    law(kind, example)


@pytest.mark.parametrize("of", ["price", "volatility"])
def test_heston_parameters_come_back(of: str) -> None:
    """Also from the start at which QuantLib's optimiser ends in a false minimum."""
    start = {"v0": 0.1, "kappa": 3, "theta": 0.1, "xi": 0.3, "rho": 0}
    found = answer(model="heston", forward=100, quotes=heston_quotes(of), start=start, starts=1)
    assert found["parameters"] == pytest.approx(HESTON, rel=1e-7)
    assert found["rmse"] < 1e-10
    assert found["diagnostics"]["warnings"] == []


def test_every_start_finds_the_same_minimum() -> None:
    found = answer(model="heston", forward=100, quotes=heston_quotes(), starts=64)
    (minimum,) = found["fits"][0]["minima"]
    assert (minimum["starts"], minimum["start"]) == (64, 0)


def test_rates_dividends_and_puts_change_nothing() -> None:
    """The same model under another drift: prices by parity, parameters come back."""
    market = {"spot": 100, "rate": 0.04, "dividend_yield": 0.01}
    puts = [{**point, "type": "put" if i % 2 else "call"} for i, point in enumerate(GRID)]
    prices = evaluated("heston", HESTON, puts, **market)["prices"]
    quotes = [{**point, "price": price} for point, price in zip(puts, prices, strict=True)]
    assert answer(model="heston", quotes=quotes, starts=2, **market)["parameters"] == pytest.approx(HESTON, rel=1e-6)


def test_put_call_parity_of_prices() -> None:
    market = {"spot": 100, "rate": 0.04, "dividend_yield": 0.01}
    calls = evaluated("heston", HESTON, GRID, **market)["prices"]
    puts = evaluated("heston", HESTON, [{**point, "type": "put"} for point in GRID], **market)["prices"]
    for point, call, put in zip(GRID, calls, puts, strict=True):
        carried = 100 * math.exp(-0.01 * point["maturity"]) - point["strike"] * math.exp(-0.04 * point["maturity"])
        assert call - put == pytest.approx(carried, abs=1e-12)


def test_no_variance_is_the_intrinsic_value() -> None:
    still = {**HESTON, "v0": 0, "theta": 0}
    found = evaluated("heston", still, [{"maturity": 1, "strike": 90}, {"maturity": 1, "strike": 110}], forward=100)
    assert found["prices"] == [10, 0]
    assert found["volatilities"] == [None, None]


def test_little_volatility_of_variance_is_black() -> None:
    found = evaluated("heston", {"v0": 0.04, "kappa": 1, "theta": 0.04, "xi": 1e-6, "rho": 0.3}, GRID, forward=100)
    assert found["volatilities"] == pytest.approx([0.2] * len(GRID), rel=1e-6)


def test_each_sabr_smile_comes_back() -> None:
    late = {"alpha": 0.03, "beta": 0.5, "nu": 0.3, "rho": -0.1}
    later = [{**point, "maturity": 10, "forward": 0.042} for point in SMILE]
    quotes = sabr_quotes(late, later) + sabr_quotes(SABR, SMILE, forward=0.0398)
    found = answer(model="sabr", forward=0.0398, quotes=quotes, fixed={"beta": 0.5}, starts=4)
    assert [fit["maturity"] for fit in found["fits"]] == [5, 10]
    assert found["fits"][0]["parameters"] == pytest.approx(SABR, rel=1e-7)
    assert found["fits"][1]["parameters"] == pytest.approx(late, rel=1e-7)
    assert found["parameters"] is None
    assert found["rmse"] < 1e-10
    assert found["volatilities"] == pytest.approx([quote["volatility"] for quote in quotes], abs=1e-9)


def test_a_shift_takes_negative_rates() -> None:
    points = [{"maturity": 3, "strike": K} for K in (-0.015, -0.01, -0.005, 0, 0.01)]
    market = {"forward": -0.004, "shift": 0.03}
    quotes = sabr_quotes(SABR, points, **market)
    found = answer(model="sabr", quotes=quotes, fixed={"beta": 0.5}, **market)
    assert found["parameters"] == pytest.approx(SABR, rel=1e-6)
    moved = [{**point, "strike": point["strike"] + 0.03} for point in points]
    assert [q["volatility"] for q in quotes] == pytest.approx(
        evaluated("sabr", SABR, moved, forward=0.026)["volatilities"], rel=1e-12
    )


@pytest.mark.parametrize("z", [-0.0501, -0.0499, -1e-9, 0.0, 1e-9, 0.0499, 0.0501, 3.0, -3.0])
@pytest.mark.parametrize("rho", [-0.999, -0.3, 0.0, 0.7, 0.999])
def test_the_series_of_sabr_meets_the_formula(z: float, rho: float) -> None:
    """And the gradients are those of differences."""
    forward, parameters = 1.0, [0.2, 1.0, 0.4, rho]
    strike = math.exp(-z * 0.2 / 0.4)
    found = sabr.volatility(forward, strike, 2.0, parameters)
    for i, by in enumerate(found.gradient):
        step = 1e-6
        up, down = (
            sabr.volatility(forward, strike, 2.0, [x + sign * step * (n == i) for n, x in enumerate(parameters)]).value
            for sign in (1, -1)
        )
        assert by == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-6)
    beside = sabr.volatility(forward, strike * (1 + 1e-9), 2.0, parameters).value
    assert found.value == pytest.approx(beside, rel=1e-7)


def test_heston_gradients_are_those_of_differences() -> None:
    ready = heston_fit.prepare(100.0, 1.0, 1.0, [80.0, 100.0, 120.0], 0.04, 256)
    values = list(HESTON.values())
    for positive in (0.8, -0.57):
        values[4] = positive
        found = heston_fit.integrals(ready, values)
        for i in range(5):
            step = 1e-6 * abs(values[i])
            up, down = (
                heston_fit.integrals(ready, [x + sign * step * (n == i) for n, x in enumerate(values)])[:, 0]
                for sign in (1, -1)
            )
            assert found[:, 1 + i].tolist() == pytest.approx(((up - down) / (2 * step)).tolist(), rel=1e-5, abs=1e-8)


def test_bounds_hold_and_are_told() -> None:
    found = answer(model="heston", forward=100, quotes=heston_quotes(), bounds={"kappa": [2, 5]}, fixed={"rho": -0.5})
    assert found["parameters"]["kappa"] == 2
    assert found["parameters"]["rho"] == -0.5
    assert found["fits"][0]["at_bound"] == {"kappa": "lower"}
    assert "at_bound" in [each["code"] for each in found["diagnostics"]["warnings"]]
    assert 0 < found["rmse"] < 0.01


def test_no_start_ends_below_the_best() -> None:
    quotes = [
        {**quote, "volatility": quote["volatility"] + 0.01 * (-1) ** i}
        for i, quote in enumerate(heston_quotes("volatility"))
    ]
    found = answer(model="heston", forward=100, quotes=quotes, starts=32)
    minima = found["fits"][0]["minima"]
    assert [each["cost"] for each in minima] == sorted(each["cost"] for each in minima)
    assert sum(each["starts"] for each in minima) == 32
    assert found["fits"][0]["cost"] == minima[0]["cost"]
    worst = found["worst_quote"]
    errors = [abs(a - b["volatility"]) for a, b in zip(found["volatilities"], quotes, strict=True)]
    assert errors[worst] == max(errors)
    assert found["rmse"] == pytest.approx(math.sqrt(sum(e * e for e in errors) / len(errors)), rel=1e-9)


def test_minima_are_merged_in_any_order() -> None:
    def minimum(cost: float, start: int, x: float) -> descent.Minimum:
        return descent.Minimum({"x": x}, cost, start, 1, 5, True, 0)

    ends = [minimum(2.0, 3, 1.0), minimum(1.0, 2, 9.0), minimum(1.0, 1, 9.0), minimum(2.0, 0, 5.0)]
    found = descent.merged([], ends)
    assert [(each.cost, each.start, each.starts) for each in found] == [(1.0, 1, 2), (2.0, 0, 1), (2.0, 3, 1)]
    assert descent.merged([], ends[::-1]) == found
    assert len(descent.merged([], [minimum(float(i), i, i) for i in range(50)])) == descent.MOST_MINIMA


def test_weights_pull() -> None:
    quotes = [
        {"maturity": 1, "strike": K, "volatility": v} for K, v in ((80, 0.3), (100, 0.2), (100, 0.24), (120, 0.25))
    ]
    heavy = [{**quote, "weight": 1000} if i == 2 else quote for i, quote in enumerate(quotes)]
    data = {"model": "sabr", "forward": 100, "fixed": {"beta": 1}}
    plain, pulled = answer(quotes=quotes, **data), answer(quotes=heavy, **data)
    assert abs(plain["volatilities"][2] - 0.22) < 0.001
    assert abs(pulled["volatilities"][2] - 0.24) < 0.001


def test_arbitrage_is_told_with_the_quotes() -> None:
    def told(*quotes: dict[str, Any]) -> list[tuple[str, str]]:
        found = answer(model="sabr", forward=100, fixed={"beta": 1}, quotes=list(quotes))["diagnostics"]["warnings"]
        split = [(each["code"], each["detail"].split(" can")[0]) for each in found]
        return [(code, rows) for code, rows in split if "arbitrage" in code]

    quotes = [{"maturity": 1, "strike": K, "volatility": 0.2} for K in (80, 90, 100, 110, 120)]
    assert told(*quotes) == []
    bent = [{**quote, "volatility": 0.26} if i == 2 else quote for i, quote in enumerate(quotes)]
    assert ("butterfly_arbitrage", "quotes 1, 2, 3") in told(*bent)
    early = [{**quote, "maturity": 0.5, "volatility": 0.4} for quote in quotes]
    assert [code for code, _ in told(*quotes, *early)] == ["calendar_arbitrage"] * 5


def test_a_wide_spread_is_told() -> None:
    steep = smiles.smile(1.0, 100.0, 0.0, [0, 1], [100.0, 101.0], [0.2, 0.4], [1.0, 1.0])
    assert [each.code for each in smiles.butterflies(steep)] == ["spread_arbitrage"]


QUOTES = [{"maturity": 1, "strike": K, "volatility": 0.2} for K in (80, 90, 100, 110, 120)]
CALIBRATE = {"model": "heston", "forward": 100, "quotes": QUOTES}
EVALUATE = {"model": "heston", "task": "evaluate", "forward": 100, "parameters": HESTON, "points": GRID[:2]}


@pytest.mark.parametrize(
    ("data", "path", "code"),
    [
        ({**CALIBRATE, "quotes": QUOTES[:4]}, "$.data.quotes", "underdetermined"),
        ({**CALIBRATE, "model": "sabr", "quotes": QUOTES[:3]}, "$.data.quotes", "underdetermined"),
        ({**CALIBRATE, "quotes": None}, "$.data.quotes", "missing"),
        ({**CALIBRATE, "points": GRID}, "$.data.points", "invalid"),
        ({**CALIBRATE, "fixed": HESTON}, "$.data.fixed", "invalid"),
        ({**CALIBRATE, "fixed": {"beta": 0.5}}, "$.data.fixed.beta", "unknown_field"),
        ({**CALIBRATE, "start": {"rho": -1.5}}, "$.data.start.rho", "out_of_range"),
        ({**CALIBRATE, "bounds": {"kappa": [3, 1]}}, "$.data.bounds.kappa", "invalid"),
        ({**CALIBRATE, "bounds": {"kappa": [1, 3]}, "fixed": {"kappa": 2}}, "$.data.bounds.kappa", "invalid"),
        ({**CALIBRATE, "forward": None}, "$.data.quotes[0].forward", "missing"),
        ({**CALIBRATE, "forward": -1}, "$.data.quotes[0].forward", "out_of_range"),
        ({**CALIBRATE, "spot": 100, "rate": 0.01}, "$.data.spot", "invalid"),
        ({**CALIBRATE, "forward": None, "spot": 100}, "$.data.rate", "missing"),
        (
            {**CALIBRATE, "forward": None, "spot": 100, "rate": 10, "quotes": [{**QUOTES[0], "maturity": 50}] * 5},
            "$.data.rate",
            "out_of_range",
        ),
        ({**CALIBRATE, "dividend_yield": 0.01}, "$.data.dividend_yield", "invalid"),
        ({**CALIBRATE, "shift": 0.01}, "$.data.shift", "invalid"),
        ({**CALIBRATE, "quotes": [*QUOTES, {**QUOTES[0], "forward": 99}]}, "$.data.quotes[5].forward", "invalid"),
        ({**CALIBRATE, "quotes": [*QUOTES, {**QUOTES[0], "price": 3}]}, "$.data.quotes[5]", None),
        (
            {**CALIBRATE, "quotes": [*QUOTES, {"maturity": 1, "strike": 90, "price": 9}]},
            "$.data.quotes[5].price",
            "out_of_range",
        ),
        (
            {**CALIBRATE, "quotes": [*QUOTES, {"maturity": 1, "strike": 90, "price": 101}]},
            "$.data.quotes[5].price",
            "out_of_range",
        ),
        ({**EVALUATE, "parameters": {"v0": 0.04}}, "$.data.parameters.kappa", "missing"),
        ({**EVALUATE, "parameters": {**HESTON, "xi": 0}}, "$.data.parameters.xi", "out_of_range"),
        ({**EVALUATE, "points": []}, "$.data.points", "missing"),
        ({**EVALUATE, "quotes": QUOTES}, "$.data.quotes", "invalid"),
    ],
)
def test_what_is_refused(data: dict[str, Any], path: str, code: str | None) -> None:
    found = faults(**data)
    assert path in found
    assert code in (None, found[path])


def test_starts_are_spread_over_parts() -> None:
    many = [{"maturity": 0.1 * (i // 50 + 1), "strike": 60 + i % 50, "volatility": 0.2} for i in range(2000)]
    planned = execute.plan("model_calibration", json.dumps({**CALIBRATE, "quotes": many, "starts": 256}).encode(), 1)
    assert planned.parts == 64
    small = execute.plan("model_calibration", json.dumps({**CALIBRATE, "starts": 64}).encode(), 1)
    assert small.parts == 1


def broken(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, function: Any) -> CalcError:
    monkeypatch.setattr(module, name, function)
    with pytest.raises(CalcError) as failed:
        answer(**CALIBRATE, starts=1)
    assert failed.value.code == "internal_check_failed"
    return failed.value


NONSENSE = [
    {"maturity": maturity, "strike": strike, "volatility": volatility}
    for maturity, strike, volatility in (
        *((0.25, 90, 0.192), (0.25, 100, 1e-5), (0.25, 110, 0.139), (1, 80, 0.211), (1, 100, 9.9)),
        *((1, 120, 0.142), (2, 80, 1e-5), (2, 100, 5.0), (2, 120, 0.152)),
    )
]


def test_quotes_that_no_model_is_near_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way down takes no more than its work, and what it reached says that it did not come to rest."""
    evaluated: list[int] = []
    right = heston_fit.objective

    def counted(smiles: Any, prepared: Any, parameters: Any) -> Any:
        evaluated.append(prepared[0].nodes.size)
        return right(smiles, prepared, parameters)

    monkeypatch.setattr(heston_fit, "objective", counted)
    found = answer(**{**kind.EXAMPLE, "quotes": NONSENSE, "starts": 1})
    assert 0 < sum(evaluated) <= heston_fit.MOST_WORK + 4096
    assert not found["fits"][0]["converged"]
    assert "not_converged" in [each["code"] for each in found["diagnostics"]["warnings"]]


def test_quotes_without_any_vega_are_refused_by_heston() -> None:
    calm = {1: 1e-4}
    far = [
        {"maturity": each["maturity"], "strike": each["strike"], "volatility": calm.get(each["maturity"], 0.2)}
        for each in kind.EXAMPLE["quotes"]
    ]
    with pytest.raises(InvalidData) as refused:
        answer(**{**kind.EXAMPLE, "quotes": far})
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("$.data.quotes[3].strike", "no_vega")]


def test_self_check_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    def outside(*_: Any) -> Any:
        return calibration.Fit([2.0, 1.0, 0.04, 0.5, 0.0], calibration.Quadratic(0.0, [], []), 1, True), 64

    assert "bounds" in broken(monkeypatch, heston_fit, "fit", outside).message


def test_self_check_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    right = heston_fit.fit

    def cheaper(*arguments: Any) -> Any:
        found, nodes = right(*arguments)
        return found._replace(at=found.at._replace(cost=found.at.cost + 1e-9)), nodes

    assert "cost" in broken(monkeypatch, heston_fit, "fit", cheaper).message


def test_self_check_price(monkeypatch: pytest.MonkeyPatch) -> None:
    def dear(forward: float, discount: float, maturity: float, strikes: list[float], *_: Any) -> Any:
        return [101.0] * len(strikes), 0.0, 64

    assert "price" in broken(monkeypatch, heston_fit, "converged_calls", dear).message


def test_least_squares_of_rosenbrock() -> None:
    """A curved valley, with and without a bound across it."""

    def at(x: list[float]) -> calibration.Quadratic:
        r = (10 * (x[1] - x[0] ** 2), 1 - x[0])
        j = ((-20 * x[0], 10.0), (-1.0, 0.0))
        gradient = [sum(j[k][i] * r[k] for k in range(2)) for i in range(2)]
        normal = [[sum(j[k][i] * j[k][m] for k in range(2)) for m in range(2)] for i in range(2)]
        return calibration.Quadratic(0.5 * sum(v * v for v in r), gradient, normal)

    free = calibration.fit(at, [-1.2, 1.0], [-5.0, -5.0], [5.0, 5.0])
    assert free.converged
    assert free.parameters == pytest.approx([1, 1], rel=1e-9)
    cut = calibration.fit(at, [-1.2, 1.0], [-5.0, -5.0], [0.5, 5.0])
    assert cut.parameters == pytest.approx([0.5, 0.25], rel=1e-9)
    assert calibration.fit(at, [-1.2, 1.0], [0.7, -5.0], [0.7, 5.0]).parameters == pytest.approx([0.7, 0.49], rel=1e-9)


def test_condition_of_a_known_matrix() -> None:
    assert calibration.condition([[4.0, 0.0], [0.0, 9.0]], [0, 1]) == pytest.approx(1)
    assert calibration.condition([[1.0, 0.6], [0.6, 1.0]], [0, 1]) == pytest.approx(2)
    assert calibration.condition([[1.0, 1.0], [1.0, 1.0]], [0, 1]) is None
    assert sorted(calibration.eigenvalues([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]])) == pytest.approx(
        [2 - math.sqrt(2), 2, 2 + math.sqrt(2)]
    )
