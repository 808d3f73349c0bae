"""The loss of `var_mc` that is quadratic in its risk factors: its exact law, and how scenarios of it are drawn."""

import math
from typing import NamedTuple

import numpy as np

from calc.errors import Fault, InvalidData
from calc.kind import once_per_params
from calc.kinds.var_mc_samples import Partial, packed, window_scenarios
from calc.kinds.var_mc_terms import Params, model_of
from calc.numerics import book_risk, importance, quadratic_form, tails
from calc.numerics.book_risk import BLOCK


def check_residual(residual: float) -> None:
    """The inversion of the generating function has converged: it has not where risk factors differ too much in size."""
    if not residual <= quadratic_form.GOOD:
        detail = f"with this delta and covariance gives a loss whose law is known to {residual:.1e} of its size only"
        allowed = f"what gives {quadratic_form.GOOD:g}: parts of the loss whose sizes are nearer to each other"
        raise InvalidData([Fault("$.data.gamma", detail, allowed=allowed, code="law_unknown")])


class Window(NamedTuple):
    """A quadratic loss: its form and exact law, how it is drawn, and between which losses all are kept."""

    form: quadratic_form.Form
    exact: quadratic_form.Exact
    twist: quadratic_form.Twist
    law: importance.Law
    half_width: float


@once_per_params
def window_of(params: Params) -> Window:
    """Of checked data. Raises InvalidData where the law is not found well enough."""
    delta, gamma = np.array(params.delta), np.array(params.gamma)
    gamma = 0.5 * (gamma + gamma.T)
    form = quadratic_form.diagonal(delta, gamma, model_of(params).covariance)
    exact = quadratic_form.exact(form, delta, gamma, params.confidence)
    check_residual(exact.residual)
    if exact.density == 0:  # nothing that its square could hold
        form = form._replace(linear=np.zeros_like(form.linear), square=np.zeros_like(form.square))
    plain = params.variance_reduction == "none"
    twist = quadratic_form.twist(form, -math.inf if plain else exact.var)
    law = importance.Law(twist.theta, twist.cumulant, exact.var, exact.density)
    beyond = tails.expected_beyond(params.confidence, 1)
    half = importance.half_width(law, beyond, window_scenarios(params)) if exact.density > 0 else 1.0
    return Window(form, exact, twist, law, half)


def run_quadratic(params: Params, blocks: range) -> Partial:
    """What a part keeps: the losses around VaR, and sums over those above."""
    window, seed = window_of(params), params.seed or 0
    losses = book_risk.quadratic_losses(window.form, window.twist, seed, blocks, params.scenarios)
    distance = losses - window.exact.var
    above = importance.above(losses[distance > window.half_width], window.law)
    within = np.flatnonzero(np.abs(distance) <= window.half_width)
    tail = tails.ordered(losses[within], within.astype(np.uint32) + np.uint32(blocks.start * BLOCK))
    return packed(tail, losses.size, above, None)
