"""What is wrong between the fields of `credit_loss`."""

import math

from calc.errors import Fault
from calc.kinds import credit_columns
from calc.kinds.credit_loss_terms import (
    LEAST_BEYOND,
    MOST_KEPT,
    MOST_NAMES,
    MOST_STEPS,
    MOST_UNITS,
    POOLED,
    Params,
    entries_of,
    kept,
    names_in,
    points_of,
    pools_of,
)
from calc.numerics import portfolio_loss, tails


def faults_of(params: Params) -> list[Fault]:
    """All that is wrong between fields."""
    if params.method not in POOLED:
        faults = credit_columns.faults(params)
        if params.method == "vasicek" and params.confidence is None:
            faults.append(Fault("$.confidence", "is missing: vasicek needs it", code="missing"))
        return faults
    faults = [
        Fault(f"$.{field}", f"does not belong to the method {params.method}: say it of names or pools")
        for field in credit_columns.FIELDS
        if getattr(params, field) is not None
    ]
    if params.confidence is None:
        faults.append(Fault("$.confidence", f"is missing: {params.method} needs it", code="missing"))
    if params.names is None and params.pools is None:
        faults.append(Fault("$.pools", f"or names are missing: {params.method} needs them", code="missing"))
    student = params.copula == "student_t"
    if student != (params.degrees_of_freedom is not None):
        detail = "belongs to the copula student_t, which needs it"
        faults.append(Fault("$.degrees_of_freedom", detail, params.degrees_of_freedom))
    faults += _faults_of_names(params)
    if faults or params.method == "recursion":
        return faults or _faults_of_recursion(params)
    return _faults_of_scenarios(params)


def _faults_of_names(params: Params) -> list[Fault]:
    factors = {len(pool.loadings or (1,)) for pool in pools_of(params)}
    faults = []
    if len(factors) > 1:
        detail = "have different numbers of loadings; one correlation is one loading"
        faults.append(Fault("$.pools" if params.pools else "$.names", detail, code="length_mismatch"))
    names = sum(pool.count for pool in pools_of(params))
    if names > MOST_NAMES:
        faults.append(Fault("$.pools", f"hold {names:,} names: at most {MOST_NAMES:,}", names, code="too_large"))
    return faults


def _faults_of_scenarios(params: Params) -> list[Fault]:
    confidence = params.confidence or 0.0
    beyond = tails.expected_beyond(confidence, params.scenarios)
    if beyond < LEAST_BEYOND:
        least = math.ceil(LEAST_BEYOND / tails.expected_beyond(confidence, 1))
        detail = f"leaves {beyond:g} losses beyond VaR at confidence {confidence:g}: too few, it needs {least:,}"
        return [Fault("$.scenarios", detail, params.scenarios, f"at least {least}", "too_few_scenarios")]
    if kept(params) > MOST_KEPT:
        detail = f"would keep {kept(params):,} losses beyond VaR: at most {MOST_KEPT:,}"
        return [Fault("$.scenarios", detail, params.scenarios, "fewer, or a higher confidence", "too_large")]
    return []


def _faults_of_recursion(params: Params) -> list[Fault]:
    if params.copula == "student_t":
        return [Fault("$.copula", "is gaussian where the method is recursion", params.copula)]
    if len(entries_of(params)[0].loadings) > 1:
        return [Fault("$.pools", "have several loadings: the recursion knows one factor")]
    found = portfolio_loss.units_of(entries_of(params), params.loss_unit)
    if found is None:
        return [Fault("$.loss_unit", "does not divide every exposure × lgd", params.loss_unit, code="no_common_unit")]
    units = sum(m * entry.names for m, entry in zip(found[1], entries_of(params), strict=True))
    steps = units * names_in(params) * points_of(params)
    if units > MOST_UNITS or steps > MOST_STEPS:
        detail = f"would have {min(units, 10**15):,} units and {min(steps, 10**20):.1e} steps: "
        detail += f"at most {MOST_UNITS:,} and {MOST_STEPS:g}"
        return [Fault("$.loss_unit", detail, params.loss_unit, "a larger unit", "too_large")]
    return []
