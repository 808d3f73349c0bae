"""A netting set ready to be simulated: its arrays, its pilot, its weights, and what is known in closed form."""

import math
from typing import NamedTuple

import numpy as np

from calc import lazy
from calc.kinds.cva_terms import (
    Params,
    default_probabilities,
    exposure_times,
    hazards,
    options_of,
    period_ends,
    swaps_of,
)
from calc.kinds.rate_curve import discount_of
from calc.numerics import exposure, profiles
from calc.numerics.exposure import NettingSet, Program
from calc.numerics.hull_white import Discount, HullWhite
from calc.numerics.profiles import Array, Pilot, Tally

kernels = lazy.module("calc.kernels.exposure")

BLOCK = 4096  # paths that share a random stream: part of the version, the bits depend on it


class Setting(NamedTuple):
    """What follows from Params at once. `weights` turn exposures on the dates into CVA and DVA."""

    program: Program
    pilot: Pilot
    weights: Array  # rows CVA, DVA; by date
    strip: Array | None  # by date: E[max(V, 0)] of a single swap with its coupon fixed anew
    closed_form: float | None
    centre_cva: float
    centre_dva: float
    value: float
    sides: int
    control_means: Array


def setting_of(params: Params) -> Setting:
    """Of checked Params; the pilot is run here."""
    discount, model = discount_of(params.rate, params.curve), HullWhite(params.mean_reversion, params.volatility)
    book = exposure.netting_set(swaps_of(params), options_of(params), params.floating == "in_advance")
    dates = exposure_times(params)
    program = exposure.program(book, model, discount, dates)
    strip = _strip(params, book, model, discount, dates)
    weights = _weights(params, program.discounts)
    control_means = program.means if strip is None else strip
    values, controls = _simulated(params, program, strip is not None, kernels.PILOT, 0, 1, profiles.PILOT)
    controlled = params.variance_reduction.endswith("control")
    pilot = profiles.pilot_of(
        values, controls, control_means, controlled, params.pfe_confidence, min(params.paths, BLOCK)
    )
    return Setting(
        program=program,
        pilot=pilot,
        weights=weights,
        strip=strip,
        closed_form=_closed_form(params, program, strip, weights),
        centre_cva=math.fsum(weights[0] * pilot.centres),
        centre_dva=math.fsum(weights[1] * (pilot.centres - program.means)),
        value=exposure.value_now(book, discount),
        sides=2 if params.variance_reduction.startswith("antithetic") else 1,
        control_means=control_means,
    )


def tile(setting: Setting, tally: Tally, seed: int, block: int, observations: int) -> None:
    """Add a block of so many observations to the tally, tile by tile."""
    size = kernels.TILE // setting.sides
    for number in range(math.ceil(observations / size)):
        values, controls = _tile(
            setting.program, setting.strip is not None, seed, kernels.PATHS, block, number, setting.sides
        )
        kernels.tally(
            values,
            controls,
            setting.sides,
            min(size, observations - number * size),
            setting.program.means,
            setting.pilot.slopes,
            setting.control_means,
            setting.pilot.centres,
            setting.weights,
            setting.pilot.windows,
            *tally,
        )


def _simulated(
    params: Params, program: Program, strip: bool, stream: int, block: int, sides: int, paths: int
) -> tuple[Array, Array]:
    """Values and controls of a whole block, [date, path]."""
    tiles = [
        _tile(program, strip, params.seed or 0, stream, block, number, sides) for number in range(paths // kernels.TILE)
    ]
    return np.concatenate([each[0] for each in tiles], axis=1), np.concatenate([each[1] for each in tiles], axis=1)


def _tile(
    program: Program, strip: bool, seed: int, stream: int, block: int, number: int, sides: int
) -> tuple[Array, Array]:
    """Values and controls of a tile: the control is the value, or with a strip the exposure with coupons fixed anew."""
    size = kernels.TILE // sides
    values, anew = kernels.values(seed, stream, block, number, size, sides, *program.kernel_arguments())
    return values, np.maximum(anew, 0.0) if strip else values


def _weights(params: Params, discounts: Array) -> Array:
    ends = period_ends(params)
    theirs = default_probabilities(hazards(params), ends)
    ours = default_probabilities([params.own_hazard_rate or 0.0] * len(ends), ends)
    return np.array([params.lgd * discounts * np.array(theirs), params.own_lgd * discounts * np.array(ours)])


def _strip(params: Params, book: NettingSet, model: HullWhite, discount: Discount, dates: list[float]) -> Array | None:
    """Of a single swap, where every date has the formula; forward to each date."""
    if len(params.netting_set.swaps) != 1 or params.netting_set.options:
        return None
    found = [exposure.strip(book, model, discount, date) for date in dates]
    if any(each is None for each in found):
        return None
    return np.array([(each or 0.0) / discount(date) for each, date in zip(found, dates, strict=True)])


def _closed_form(params: Params, program: Program, strip: Array | None, weights: Array) -> float | None:
    """CVA, where it is the strip's or where the value has one sign."""
    if strip is not None:
        return math.fsum(weights[0] * strip) if params.floating == "restarting" else None
    quantities = [each.quantity for each in params.netting_set.options]
    if params.netting_set.swaps or (min(quantities) < 0 < max(quantities)):
        return None
    return math.fsum(weights[0] * np.maximum(program.means, 0.0))
