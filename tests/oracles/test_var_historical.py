"""GARCH fits against arch, backtests against scipy."""

import json
import math
import warnings
from typing import Any

import numpy as np
from arch import arch_model
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from calc import execute


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("var_historical", json.dumps(data).encode(), fresh_seed=1)
    return json.loads(execute.execute("var_historical", planned.data))


def sized(number: float) -> float:
    """As it is calculated with."""
    return number if abs(number) >= 1e-30 else 0.0


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.25), st.floats(0.2, 0.74), st.floats(-6, 6))
def test_no_garch_of_arch_is_more_likely(seed: int, alpha: float, beta: float, size: float) -> None:
    rng = np.random.default_rng(seed)
    h, x = 1.0, np.empty(800)
    for t in range(x.size):
        x[t] = math.sqrt(h) * rng.standard_normal()
        h = 1 - alpha - beta + alpha * x[t] ** 2 + beta * h
    found = answer(losses=(x * math.exp(size)).tolist(), method="filtered", confidence=0.95)["diagnostics"]["garch"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = arch_model(x, mean="Zero", vol="GARCH", rescale=False)
        theirs = model.fit(disp="off", backcast=float(np.mean(x * x)))
    ours = found["log_likelihood"] + x.size * size
    assert ours > theirs.loglikelihood - 0.5  # several maxima: each of the two may stop at one a little lower
    if abs(ours - theirs.loglikelihood) < 1e-6:
        np.testing.assert_allclose(found["alpha"], theirs.params["alpha[1]"], atol=5e-3)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2000), st.floats(0, 1), st.floats(0.5, 0.9999))
def test_coverage(observations: int, share: float, confidence: float) -> None:
    exceptions = round(observations * share)
    found = answer(task="backtest", observations=observations, exceptions=exceptions, confidence=confidence)
    p = 1 - confidence
    both = [stats.binom.logpmf(exceptions, observations, q) for q in (exceptions / observations, p)]
    np.testing.assert_allclose(found["kupiec_lr"], 2 * (both[0] - both[1]), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["kupiec_p_value"], stats.chi2.sf(found["kupiec_lr"], 1), rtol=1e-9, atol=1e-300)
    cumulated = stats.binom.cdf(exceptions, observations, p)
    np.testing.assert_allclose(found["cumulative_probability"], cumulated, rtol=1e-9)
    assert found["zone"] == ("green" if cumulated < 0.95 else "yellow" if cumulated < 0.9999 else "red")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6).map(sized), min_size=20, max_size=300), st.floats(0.5, 0.95))
def test_order_statistics(losses: list[float], confidence: float) -> None:
    found = answer(losses=losses, confidence=confidence)
    assert found["es"] >= found["var"]
    assert found["var"] in losses
    below = sum(loss <= found["var"] for loss in losses) / len(losses)
    assert below >= confidence - 1e-12
