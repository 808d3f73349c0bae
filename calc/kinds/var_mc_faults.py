"""What is wrong with the data of `var_mc`, covariance and volatilities apart: paths begin with $."""

import math
from typing import Any

import numpy as np

from calc.errors import Fault
from calc.numerics import tails

LEAST_BEYOND = 30  # losses beyond VaR, below which its error says nothing
MOST_FACTORS = 500  # risk factors of delta_gamma


def find(params: Any, kept: int, most_kept: int) -> list[Fault]:
    """What is wrong between fields, covariance and volatilities apart."""
    faults = _faults_of_method(params)
    if params.volatility_period == "year" and params.days_per_year is None and params.horizon_days is not None:
        faults.append(Fault("$.days_per_year", "is missing: volatilities are per year, the horizon is in days"))
    degrees = params.degrees_of_freedom
    if (params.distribution == "student_t") != (degrees is not None):
        faults.append(Fault("$.degrees_of_freedom", "belongs to the distribution student_t, which needs it", degrees))
    if params.method == "linear_normal":
        return faults
    beyond = tails.expected_beyond(params.confidence, params.scenarios)
    if beyond < LEAST_BEYOND:
        least = math.ceil(LEAST_BEYOND / tails.expected_beyond(params.confidence, 1))
        detail = f"leaves {beyond:g} losses beyond VaR at confidence {params.confidence:g}: too few, it needs {least:,}"
        faults.append(Fault("$.scenarios", detail, params.scenarios, f"at least {least}", "too_few_scenarios"))
    elif kept > most_kept:
        detail = f"would keep {kept:,} losses beyond VaR: at most {most_kept:,}"
        faults.append(Fault("$.scenarios", detail, params.scenarios, "fewer, or a higher confidence", "too_large"))
    return faults


_OF_BOOKS = ("positions", "volatilities", "correlation", "factors", "drift")
_OF_QUADRATIC = ("delta", "gamma", "symbols")


def _faults_of_method(params: Any) -> list[Fault]:
    quadratic = params.method == "delta_gamma"
    needed = ("delta", "gamma", "covariance") if quadratic else ("positions", "horizon_days")
    faults = [
        Fault(f"$.{field}", f"is missing: {params.method} needs it", code="missing")
        for field in needed
        if getattr(params, field) is None
    ]
    faults += [
        Fault(f"$.{field}", f"does not belong to the method {params.method}")
        for field in (_OF_BOOKS if quadratic else _OF_QUADRATIC)
        if getattr(params, field) is not None
    ]
    if params.method != "monte_carlo" and params.distribution != "normal":
        faults.append(Fault("$.distribution", f"is normal where the method is {params.method}", params.distribution))
    if params.variance_reduction == "importance_sampling" and not quadratic:
        faults.append(Fault("$.variance_reduction", "importance_sampling belongs to delta_gamma", allowed="none"))
    return faults + (_faults_of_shape(params) if params.delta is not None and quadratic else [])


def _faults_of_shape(params: Any) -> list[Fault]:
    size = len(params.delta or ())
    rows = [("symbols", params.symbols), ("gamma", params.gamma), ("covariance", params.covariance)]
    faults = [
        Fault(f"$.{field}", f"has {len(given)} entries, delta has {size}", code="length_mismatch")
        for field, given in rows
        if given is not None and len(given) != size
    ]
    if params.symbols is not None and len(set(params.symbols)) < len(params.symbols):
        faults.append(Fault("$.symbols", "names a risk factor twice", code="duplicate"))
    if not size:
        faults.append(Fault("$.delta", "is empty"))
    gamma = params.gamma or []
    faults += [
        Fault(f"$.gamma[{i}]", f"has {len(row)} entries, delta has {size}", code="length_mismatch")
        for i, row in enumerate(gamma)
        if len(row) != size
    ]
    if faults:
        return faults[:100]
    matrix = np.array(gamma)
    scale = float(np.abs(matrix).max(initial=0.0))
    faults += [
        Fault(
            f"$.gamma[{j}][{i}]", f"is {matrix[j, i]:.15g}, but [{i}][{j}] is {matrix[i, j]:.15g}", code="not_symmetric"
        )
        for i, j in np.argwhere(np.abs(matrix - matrix.T) > 1e-10 * scale).tolist()
        if i < j
    ]
    for field, values in (("delta", np.array(params.delta)), ("gamma", matrix)):
        if np.abs(values).max(initial=0.0) > 1e15:
            faults.append(Fault(f"$.{field}", "holds a number beyond 1e15", code="out_of_range"))
    if size > MOST_FACTORS:
        faults.append(Fault("$.delta", f"has {size} risk factors: at most {MOST_FACTORS}", size, code="too_large"))
    return faults[:100]
