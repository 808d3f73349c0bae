"""Exact laws and equations of `credit_loss` against scipy and numpy, over the whole domain."""

import json
import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from calc import execute
from calc.kinds import credit_loss
from tests.oracles.strategies import log_uniform

if credit_loss.NAME not in execute.kinds():
    execute.load(credit_loss.__name__)


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("credit_loss", json.dumps(data).encode(), fresh_seed=1)
    return json.loads(execute.execute("credit_loss", planned.data))


@settings(max_examples=40, deadline=None)
@given(
    log_uniform(1e-3, 1e9), log_uniform(0.01, 5), log_uniform(1e-3, 1e3), st.floats(-0.1, 0.2), log_uniform(0.05, 30)
)
def test_merton(equity: float, volatility: float, leverage: float, rate: float, maturity: float) -> None:
    debt = equity * leverage
    found = answer(
        method="merton", equity=equity, equity_volatility=volatility, debt=debt, rate=rate, maturity=maturity
    )
    value, sigma = found["asset_value"], found["asset_volatility"]
    paid, root = debt * math.exp(-rate * maturity), sigma * math.sqrt(maturity)
    d1 = math.log(value / paid) / root + root / 2
    np.testing.assert_allclose(
        value * stats.norm.cdf(d1) - paid * stats.norm.cdf(d1 - root), equity, rtol=1e-7, atol=1e-9 * value
    )
    np.testing.assert_allclose(stats.norm.cdf(d1) * sigma * value / equity, volatility, rtol=1e-6)
    np.testing.assert_allclose(found["pd"], stats.norm.cdf(root - d1), rtol=1e-6, atol=1e-300)


@settings(max_examples=25, deadline=None)
@given(log_uniform(1e-4, 0.5), st.floats(0, 0.9), st.floats(0.5, 0.9999))
def test_vasicek(pd: float, correlation: float, confidence: float) -> None:
    found = answer(method="vasicek", pd=pd, correlation=correlation, lgd=1, confidence=confidence)

    def rate(z: float) -> float:
        shifted = stats.norm.ppf(pd) + math.sqrt(correlation) * z
        return float(stats.norm.cdf(shifted / math.sqrt(1 - correlation)))

    start = stats.norm.ppf(confidence)
    np.testing.assert_allclose(found["worst_default_rate"], rate(start), rtol=1e-10)
    beyond = integrate.quad(lambda z: rate(z) * stats.norm.pdf(z), start, start + 12, epsabs=0, epsrel=1e-10, limit=200)
    np.testing.assert_allclose(found["es"], max(beyond[0] / (1 - confidence), found["loss"]), rtol=1e-6)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 60), log_uniform(1e-3, 0.5), st.floats(0, 0.95), st.sampled_from([0.9, 0.99, 0.999]))
def test_recursion(names: int, pd: float, correlation: float, confidence: float) -> None:
    pool = {"count": names, "exposure": 1, "pd": pd, "lgd": 1, "correlation": correlation}
    found = answer(method="recursion", pools=[pool], confidence=confidence)
    z = np.linspace(-9, 9, 9001)
    weights = stats.norm.pdf(z) * 0.002
    p = stats.norm.cdf((stats.norm.ppf(pd) - math.sqrt(correlation) * z) / math.sqrt(1 - correlation))
    p = np.maximum(p, 1e-300)  # scipy's binom overflows at subnormal numbers
    law = stats.binom.pmf(np.arange(names + 1)[:, None], names, p[None]) @ weights
    np.testing.assert_allclose(found["probability_no_loss"], law[0], atol=1e-9)
    cumulated = np.cumsum(law)
    assert cumulated[round(found["var"])] >= confidence - 1e-8
    assert found["var"] == 0 or cumulated[round(found["var"]) - 1] < confidence + 1e-8
    excess = sum(chance * max(loss - found["var"], 0) for loss, chance in enumerate(law))
    np.testing.assert_allclose(found["es"], found["var"] + excess / (1 - confidence), rtol=1e-6)
