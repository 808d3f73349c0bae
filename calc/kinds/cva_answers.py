"""The answer about a netting set, and the checks that it must pass."""

import math

from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Caution
from calc.kinds.cva_setting import Setting
from calc.kinds.cva_terms import Params, exposure_times, period_ends
from calc.numerics import normal, profiles
from calc.numerics.profiles import Tally
from calc.quantities import looks_like_percent

SIGMAS = 10.0  # standard errors that a self-check allows: few paths of long swaps are far from normal
SLACK = 1e-9  # of the size of the trades: what it forgives as rounding

Figures = list[tuple[float, float]]  # value and standard error, by date


class Diagnostics(Struct, frozen=True):
    """`martingale` is the largest distance of a simulated mean of V from today's formula, in standard errors."""

    method: str
    model: str
    estimator: str
    paths: int
    blocks: int
    block_size: int
    stopped_early: bool
    pilot_paths: int
    martingale: float
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """Profiles are lists, one entry a date of `exposure_dates`. `dva` is null without an own hazard rate."""

    cva: float
    cva_closed_form: float | None
    dva: float | None
    value: float
    exposure_dates: list[float]
    epe: list[float]
    ene: list[float]
    pfe: list[float]
    average_epe: float
    peak_pfe: float
    standard_error: dict[str, float | list[float]]
    interval_95: dict[str, tuple[float, float]]
    diagnostics: Diagnostics


_UNITS = {
    "cva": "currency, a cost above 0",
    "cva_closed_form": "currency",
    "dva": "currency, a gain above 0",
    "value": "currency",
    "exposure_dates": "years",
    "epe": "currency at the date",
    "ene": "currency at the date, above 0",
    "pfe": "currency at the date",
    "average_epe": "currency, weighted with the periods' lengths",
    "peak_pfe": "currency",
}


def result_of(params: Params, setting: Setting, tally: Tally, paths: int, blocks: int, block_size: int) -> Result:
    """From the sums over all paths."""
    n = paths // setting.sides
    epe, ene = _profiles(setting, tally, n)
    farthest = check_means(setting, tally, n)
    check_exposures(setting, epe, ene)
    pfe = _quantiles(params, setting, tally)
    mean, error = profiles.mean_of(float(tally.totals[0]), float(tally.totals[1]), n)
    figures = {"cva": (setting.centre_cva + mean, error)}
    if params.own_hazard_rate is not None:
        mean, error = profiles.mean_of(float(tally.totals[2]), float(tally.totals[3]), n)
        figures["dva"] = (setting.centre_dva + mean, error)
    errors: dict[str, float | list[float]] = {name: figure[1] for name, figure in figures.items()}
    errors |= {name: [each[1] for each in row] for name, row in (("epe", epe), ("ene", ene), ("pfe", pfe))}
    ends = period_ends(params)
    lengths = [end - before for before, end in zip([0.0, *ends[:-1]], ends, strict=True)]
    return Result(
        cva=figures["cva"][0],
        cva_closed_form=setting.closed_form,
        dva=figures["dva"][0] if "dva" in figures else None,
        value=setting.value,
        exposure_dates=exposure_times(params),
        epe=[each[0] for each in epe],
        ene=[each[0] for each in ene],
        pfe=[each[0] for each in pfe],
        average_epe=math.fsum(each[0] * length for each, length in zip(epe, lengths, strict=True)) / ends[-1],
        peak_pfe=max(each[0] for each in pfe),
        standard_error=errors,
        interval_95={name: normal.interval_95(*figure) for name, figure in figures.items()},
        diagnostics=Diagnostics(
            method="monte_carlo",
            model="hull_white",
            estimator=_estimator(params, setting),
            paths=paths,
            blocks=blocks,
            block_size=block_size,
            stopped_early=paths < params.paths,
            pilot_paths=profiles.PILOT,
            martingale=farthest,
            conventions=_conventions(params),
            units=_UNITS,
            warnings=_warnings(params),
        ),
    )


def check_means(setting: Setting, tally: Tally, n: int) -> float:
    """The mean of V on every date is today's value of what is left; the largest distance, in standard errors."""
    farthest = 0.0
    for i, row in enumerate(tally.sums.tolist()):
        mean, error = profiles.mean_of(row[2], row[3], n)
        if abs(mean) > SIGMAS * error + SLACK * _size(setting, i):
            _failed("martingale", f"the mean of V on date {i} is {mean:.6g} off, with a standard error of {error:.3g}")
        if error > 0 and abs(mean) > SLACK * _size(setting, i):
            farthest = max(farthest, abs(mean) / error)
    return farthest


def check_exposures(setting: Setting, epe: Figures, ene: Figures) -> None:
    """Neither exposure is below 0."""
    for name, row in (("epe", epe), ("ene", ene)):
        for i, (value, error) in enumerate(row):
            if value < -SIGMAS * error - SLACK * _size(setting, i):
                _failed("exposure_above_zero", f"{name} on date {i} is {value:.6g}")


def _failed(check: str, detail: str) -> None:
    raise CalcError(f"Self-check {check} failed: {detail}.", code="internal_check_failed")


def _size(setting: Setting, date: int) -> float:
    """Of the amounts that are added up on a date."""
    program = setting.program
    size = abs(float(program.fixed[date])) + abs(float(program.restart[date])) + 1e-300
    for starts, rows in (
        (program.flow_starts, program.flows),
        (program.live_starts, program.live),
    ):
        size += float(abs(rows[0, starts[date] : starts[date + 1]]).sum())
    options = program.options[:, program.option_starts[date] : program.option_starts[date + 1]]
    return size + float((abs(options[0]) * (options[2] + options[6])).sum())


def _profiles(setting: Setting, tally: Tally, n: int) -> tuple[Figures, Figures]:
    """EPE and ENE by date; they differ by the mean of V, which is known, so their errors are the same."""
    epe, ene = [], []
    for i, row in enumerate(tally.sums.tolist()):
        mean, error = profiles.mean_of(row[0], row[1], n)
        value = float(setting.pilot.centres[i]) + mean
        epe.append((value, error))
        ene.append((value - float(setting.program.means[i]), error))
    return epe, ene


def _quantiles(params: Params, setting: Setting, tally: Tally) -> Figures:
    found = []
    for i, counts in enumerate(tally.counts):
        low, per_width = (float(each) for each in setting.pilot.windows[:, i])
        try:
            value, error = profiles.quantile(counts, low, per_width, params.pfe_confidence)
        except ValueError as outside:
            raise CalcError(
                f"Self-check pfe_window failed on date {i}: {outside}.", code="internal_check_failed"
            ) from None
        found.append((max(value, 0.0), error if value > 0 else 0.0))
    return found


def _estimator(params: Params, setting: Setting) -> str:
    base = "mean of antithetic pairs" if setting.sides == 2 else "mean over paths"
    if not params.variance_reduction.endswith("control"):
        return base
    control = "the netting set's value" if setting.strip is None else "the swaption strip of Sorensen and Bollier"
    return f"{base}, controlled by {control} with the pilot's coefficient"


def _conventions(params: Params) -> dict[str, str]:
    return {
        "law": "profiles are forward to their date: discount factor × epe is today's value",
        "default": "unilateral, independent of the exposure; hazard rates constant within a period",
        "exposure_at": params.exposure_at,
        "floating": params.floating,
        "pfe": f"quantile {params.pfe_confidence:g} of max(V, 0), linear within a bin",
    }


def _warnings(params: Params) -> list[Caution]:
    cautions = looks_like_percent("$.data.volatility", params.volatility, 0.1)
    cautions += looks_like_percent("$.data.rate", params.rate or 0.0, 0.5)
    for i, each in enumerate(params.netting_set.options):
        cautions += looks_like_percent(f"$.data.netting_set.options[{i}].volatility", each.volatility, 5)
    if params.mean_reversion < 0:
        detail = "is below 0: rates run away from their mean"
        cautions.append(Caution("mean_reversion_negative", "$.data.mean_reversion", detail))
    return cautions
