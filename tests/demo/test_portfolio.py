"""The portfolio: read rightly, and its figures those of numpy."""

import csv
import gzip
import json

import numpy as np
import pytest

from calc import KINDS, execute
from examples import portfolio, questions
from examples.portfolio import PRICES, Portfolio


@pytest.fixture(scope="module")
def held() -> Portfolio:
    return portfolio.read()


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    """The last 500 returns, by numpy."""
    with gzip.open(PRICES, "rt") as lines:
        prices = np.array([[float(price) for price in row[1:]] for row in list(csv.reader(lines))[1:]])
    assert prices.shape == (8313, 20)
    return prices[-500:] / prices[-501:-1] - 1


def test_it_is_the_last_500_days_of_the_table(held: Portfolio, returns: np.ndarray) -> None:
    assert (held.first_day, held.last_day, len(held.symbols)) == ("2021-01-05", "2022-12-28", 20)
    np.testing.assert_allclose(held.returns, returns, rtol=1e-12)


def test_each_position_is_worth_about_the_same(held: Portfolio) -> None:
    worth = [quantity * price for quantity, price in zip(held.quantities, held.prices, strict=True)]
    assert all(abs(value - portfolio.VALUE) <= price / 2 for value, price in zip(worth, held.prices, strict=True))
    assert held.value == pytest.approx(sum(worth))


def test_volatilities_and_correlation_are_those_of_numpy(held: Portfolio, returns: np.ndarray) -> None:
    np.testing.assert_allclose(list(held.volatilities.values()), returns.std(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(held.correlation, np.corrcoef(returns.T), atol=1e-12)
    assert np.array_equal(held.correlation, np.transpose(held.correlation))


@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.975, 0.9512])
def test_risk_is_counted_as_defined(held: Portfolio, returns: np.ndarray, confidence: float) -> None:
    """VaR is the smallest loss x with P(L ≤ x) ≥ α; ES is the mean of the quantile function beyond α, by fine steps."""
    losses = np.sort(-returns @ (np.array(held.quantities) * np.array(held.prices)))
    var = min(loss for loss in losses if (losses <= loss).mean() >= confidence - 1e-12)
    levels = confidence + (1 - confidence) * (np.arange(1_000_000) + 0.5) / 1_000_000
    es = losses[np.ceil(levels * 500 - 1e-9).astype(int) - 1].mean()
    assert held.risk(confidence) == pytest.approx({"var": var, "es": es}, rel=1e-5)


def test_every_question_can_be_planned_and_the_heavy_one_has_many_parts(held: Portfolio) -> None:
    asked = questions.everything(held)
    data = [json.dumps(question.body["data"]).encode() for question in asked]
    kinds = [question.body["kind"] for question in asked]
    assert set(KINDS) - set(kinds) == {"option_american", "model_calibration"}, "nearly every kind is shown"
    parts = [execute.plan(kind, each, fresh_seed=1).parts for kind, each in zip(kinds, data, strict=True)]
    assert parts[0] >= 12
    assert sum(part > 1 for part in parts) >= 2
    assert asked[-1].body["data"] == {"amount": 10000, "rate": 0.05}
