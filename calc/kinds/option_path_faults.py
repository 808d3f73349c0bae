"""Everything that keeps the data of `option_path` from being calculated."""

import itertools

from calc.errors import Fault
from calc.kinds.option_path_params import Params, has_dates, is_asian, is_barrier, is_down, looks_up, maturity_of
from calc.kinds.option_path_terms import exact_method, simulated, terms

MOST_WORK = 1e12  # paths × simulated numbers a path
MOST_DISCOUNT = 14.0  # -rate × maturity of a barrier option, whose formula takes differences of present values


def faults_of(params: Params) -> list[Fault]:
    """Every fault; those of method and work where the data are right otherwise."""
    return [*_dates(params), *_terms(params), *_running(params), *_growth(params)] or _how(params)


def _dates(params: Params) -> list[Fault]:
    faults = []
    if params.fixings is not None and params.fixing_times is not None:
        faults.append(Fault("$.fixings", "stands in place of fixing_times: not beside it"))
    needs = is_asian(params) or params.monitoring == "discrete"
    if needs and not has_dates(params):
        why = "of an average" if is_asian(params) else "of discrete monitoring"
        faults.append(Fault("$.fixings", f"is missing: the dates {why}", code="missing"))
    if is_asian(params) and params.monitoring == "continuous":
        faults.append(Fault("$.monitoring", "an average is over fixings: discrete", params.monitoring))
    if params.maturity is None and params.fixing_times is None:
        faults.append(Fault("$.maturity", "is missing", code="missing"))
    times = params.fixing_times or []
    for i, (before, after) in enumerate(itertools.pairwise(times), 1):
        if after <= before:
            detail = f"is not after the fixing before it ({before:g}): times ascend"
            faults.append(Fault(f"$.fixing_times[{i}]", detail, after, code="not_ascending"))
    if times and params.maturity is not None and max(times) > params.maturity:
        detail = f"is {max(times):g}, after maturity ({params.maturity:g})"
        faults.append(Fault(f"$.fixing_times[{times.index(max(times))}]", detail, max(times), code="out_of_range"))
    return faults[:100]


def _terms(params: Params) -> list[Fault]:
    faults = []
    if params.style == "lookback_floating" and params.strike is not None:
        faults.append(Fault("$.strike", "a floating lookback has none", params.strike))
    if params.style != "lookback_floating" and params.strike is None:
        faults.append(Fault("$.strike", "is missing", code="missing"))
    if is_barrier(params) and params.barrier is None:
        faults.append(Fault("$.barrier", "is missing", code="missing"))
    if not is_barrier(params):
        if params.barrier is not None:
            faults.append(Fault("$.barrier", f"{params.style} has none", params.barrier))
        if params.rebate:
            faults.append(Fault("$.rebate", f"{params.style} has none", params.rebate))
    return faults


def _running(params: Params) -> list[Fault]:
    faults = []
    if (params.running_average is None) != (params.past_fixings == 0):
        absent = "running_average" if params.running_average is None else "past_fixings"
        faults.append(Fault(f"$.{absent}", "running_average and past_fixings go together", code="missing"))
    fitting = {
        "running_average": is_asian(params),
        "running_minimum": is_down(params) or (params.style.startswith("lookback") and not looks_up(params)),
        "running_maximum": "up" in params.style or (params.style.startswith("lookback") and looks_up(params)),
    }
    for field, fits in fitting.items():
        value = getattr(params, field)
        if value is not None and not fits:
            faults.append(Fault(f"$.{field}", f"says nothing about a {params.type} of style {params.style}", value))
    return faults


def _growth(params: Params) -> list[Fault]:
    faults = []
    for field in ("rate", "dividend_yield"):
        growth = getattr(params, field) * maturity_of(params)
        if abs(growth) > 100:
            detail = f"times maturity is {growth:g}: prices would leave the range of numbers (at most 100)"
            faults.append(Fault(f"$.{field}", detail, getattr(params, field), code="out_of_range"))
    discount = -params.rate * maturity_of(params)
    if not faults and is_barrier(params) and discount > MOST_DISCOUNT:
        detail = f"times maturity is {-discount:g}: the strike's present value leaves a barrier's price no digits"
        least = -MOST_DISCOUNT / maturity_of(params)
        faults.append(Fault("$.rate", detail, params.rate, f"at least {least:.6g} with this maturity", "out_of_range"))
    return faults


def _how(params: Params) -> list[Fault]:
    """Method, variance reduction and work of data that are right otherwise."""
    faults = []
    found = terms(params)
    exact = exact_method(params, found)
    if params.method in ("closed_form", "quadrature") and params.method != exact:
        detail = f"there is no {params.method.replace('_', ' ')} for {params.style} with these dates"
        faults.append(Fault("$.method", detail, params.method, ", ".join(filter(None, (exact, "rqmc", "monte_carlo")))))
    if params.variance_reduction.startswith("antithetic"):
        if params.method == "rqmc":
            detail = "goes with monte_carlo: quasi-random points are balanced already"
            faults.append(Fault("$.variance_reduction", detail, params.variance_reduction, "none or control"))
        elif params.paths % 2:
            faults.append(Fault("$.paths", "must be even: antithetic paths come in pairs", params.paths))
    work = float(params.paths) * simulated(params, found)
    if work > MOST_WORK and (params.method in ("rqmc", "monte_carlo") or exact is None):
        detail = f"paths × numbers a path = {work:.3g} exceeds {MOST_WORK:.0e}: reduce paths or fixings"
        faults.append(Fault("$.paths", detail, params.paths, code="too_large"))
    return faults
