"""Heston's model, option by option: price and greeks in closed form. Rows and answers as in calc/kernels/european.py.

    dS/S = (r - q) dt + √V dW,   dV = κ (θ - V) dt + ξ √V dZ,   dW dZ = ρ dt,   V(0) = v0

Lewis (2000): with a = u² + 1/4, k = log(F/K), D the discount factor and ψ(u) = E exp((1/2 + iu) log(S_T/F)),

    price = base - D √(FK)/π Re ∫ e^(iuk) (ψ - χ) du/a

over any path from the imaginary axis to infinity within the strip where ψ exists. Two paths are taken:

    near the money   from 0, χ = e^(-wa/2) and base Black's formula with the expected total variance w = E ∫V dt: then
                     ψ - χ is small, and 0 at the poles ±i/2
    far from it      from the saddle point of the integrand on the imaginary axis, on the option's side of out of the
                     money, χ = 0: there the integrand has the size of that option's price, and does not oscillate; base
                     is what lies between it and the option asked for

Both go up or down by 15°, to where e^(iuk) ψ dies away fastest (Andersen and Lake 2018, *Robust high-precision option
pricing by Fourier transforms*). log ψ = κθ A + v0 B by the little trap of Albrecher, Mayer, Schoutens and Tistaert
(2007): with β = κ - ρξ (1/2 + iu), d = √(β² + ξ²a), E = e^(-dT), N = β + d, M = β - d, Q = N - M E,

    A = -aT/N - (2/ξ²) log(Q/2d),   B = -a (1 - E)/Q,

where N M = -ξ²a gives that of N and M which is a difference, so that ξ → 0 is as good as any other. Greeks are
integrals of the same: by F factors of 1/2 + iu, by v0 the factor B, by T κθ B + v0 B', with B' = ξ²B²/2 - βB - a/2.

The rule is Gauss and Kronrod's of 15 points, on panels that double in width, each halved until all integrals agree with
the rule of 7 points, up to where nothing is left.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.complexes import exp_c, log1p_c, sqrt_c
from calc.kernels.elementary import exp, expm1, log
from calc.kernels.european import OUTPUTS, black, finite
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]

INTEGRALS = 5  # for price, delta, gamma, by v0, by T
MOST_PANELS = 2000
OK, NO_CONVERGENCE = 0, 1

_FAR = 5.0  # from the money, in units of √w
_TILT = 0.2679491924311227  # tan 15°
_AGREE = 1e-8  # of the two rules, in units of each integral: that of 15 points is then good to 1e-12
_DEEPEST = 30  # halvings
_GONE = 1e-15
_FURTHEST = 1e8  # of a saddle point
_NODES = np.array(
    [
        0.991455371120812639206854697526329,
        0.949107912342758524526189684047851,
        0.864864423359769072789712788640926,
        0.741531185599394439863864773280788,
        0.586087235467691130294144838258730,
        0.405845151377397166906606412076961,
        0.207784955007898467600689403773245,
        0.0,
    ]
)
_KRONROD = np.array(
    [
        0.022935322010529224963732008058970,
        0.063092092629978553290700663189204,
        0.104790010322250183839876322541518,
        0.140653259715525918745189590510238,
        0.169004726639267902826583426598550,
        0.190350578064785409913256402421014,
        0.204432940075298892414161999234649,
        0.209482141084727828012999174891714,
    ]
)
_GAUSS = np.array(
    [
        0.0,
        0.129484966168869693270611432679082,
        0.0,
        0.279705391489276667901467771423780,
        0.0,
        0.381830050505118944950369775488975,
        0.0,
        0.417959183673469387755102040816327,
    ]
)


@kernel
def expected_variance(row: Array) -> float:
    """E ∫V dt over the option's life."""
    maturity, v0, kappa, theta = row[3], row[7], row[8], row[9]
    return float(theta * maturity - (v0 - theta) * expm1(-kappa * maturity) / kappa)


@kernel
def _exponent(u: complex, row: Array) -> tuple[complex, complex, complex]:
    """log ψ and its derivatives by v0 and T."""
    maturity, v0, kappa, theta, xi, rho = row[3], row[7], row[8], row[9], row[10], row[11]
    a, xi2 = u * u + 0.25, xi * xi
    beta = kappa - rho * xi * complex(0.5 - u.imag, u.real)
    d = sqrt_c(beta * beta + xi2 * a)
    if beta.real >= 0.0:
        n = beta + d
        m = -xi2 * a / n
    else:
        m = beta - d
        n = -xi2 * a / m
    e = exp_c(-d * maturity)
    q = n - m * e
    by_v0 = -a * (1.0 - e) / q
    integral = -a * maturity / n - 2.0 / xi2 * log1p_c(m * (1.0 - e) / (2.0 * d))
    slope = 0.5 * xi2 * by_v0 * by_v0 - beta * by_v0 - 0.5 * a
    return kappa * theta * integral + v0 * by_v0, by_v0, kappa * theta * by_v0 + v0 * slope


@kernel
def _exists(eta: float, row: Array) -> bool:
    """Whether ψ(iη) is finite: Q has no zero before T."""
    maturity, kappa, xi, rho = row[3], row[8], row[10], row[11]
    beta = kappa - rho * xi * (0.5 - eta)
    square = beta * beta + xi * xi * (0.25 - eta * eta)
    if square >= 0.0:
        d = math.sqrt(square)
        return bool(beta + d - (beta - d) * exp(-d * maturity) > 0.0)
    delta = math.sqrt(-square)
    return bool(0.5 * delta * maturity < math.atan2(delta, -beta))


@kernel
def _height(eta: float, k: float, row: Array) -> float:
    """log |e^(iuk) ψ/a| at u = iη; ∞ where ψ does not exist."""
    if not _exists(eta, row):
        return math.inf
    found = _exponent(complex(0.0, eta), row)[0].real - eta * k - log(abs(0.25 - eta * eta))
    return found if found == found else math.inf


@kernel
def _saddle(k: float, row: Array) -> float:
    """Where the integrand is least on the imaginary axis, beyond the pole on k's side; 0 where ψ ends before."""
    side = 1.0 if k > 0.0 else -1.0
    low, high = log(1e-3), log(_FURTHEST)
    if not _exists(side * (0.5 + 2e-3), row):
        return 0.0
    golden = 0.6180339887498949
    while high - low > 0.02:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _height(side * (0.5 + exp(left)), k, row) <= _height(side * (0.5 + exp(right)), k, row):
            high = right
        else:
            low = left
    return side * (0.5 + exp(low))


@kernel
def _add_integrands(
    out: Array, weight: float, other: float, u: complex, way: complex, k: float, w: float, row: Array
) -> None:
    """Add what is integrated, at u, to out[2, INTEGRALS] with the weights of the two rules; w < 0 is without χ."""
    exponent, by_v0, by_t = _exponent(u, row)
    a = u * u + 0.25
    wave = complex(-u.imag * k, u.real * k)
    whole = exp_c(exponent + wave) * way
    apart = whole - exp_c(wave - 0.5 * w * a) * way if w >= 0.0 else whole
    first = apart / a
    tilted = first * complex(0.5 - u.imag, u.real)
    whole = whole / a
    fourth, fifth = whole * by_v0, whole * by_t
    for j in range(2):
        share = weight if j == 0 else other
        out[j, 0] += share * first.real
        out[j, 1] += share * tilted.real
        out[j, 2] += share * apart.real
        out[j, 3] += share * fourth.real
        out[j, 4] += share * fifth.real


@kernel
def _panel(out: Array, start: complex, way: complex, low: float, high: float, k: float, w: float, row: Array) -> None:
    """Both rules over the panel, to out[2, INTEGRALS]."""
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    out[:] = 0.0
    for i in range(15):
        j = i if i < 8 else 14 - i
        x = centre - half * _NODES[j] if i < 8 else centre + half * _NODES[j]
        _add_integrands(out, half * _KRONROD[j], half * _GAUSS[j], start + x * way, way, k, w, row)


@kernel
def _left(u: complex, k: float, w: float, row: Array) -> float:
    """The size of the integrand of gamma, the last to die away."""
    wave = -u.imag * k
    chi = exp(wave - 0.5 * w * (u * u).real) if w >= 0.0 else 0.0
    return exp(_exponent(u, row)[0].real + wave) + chi


@kernel
def _agree(rules: Array, units: Array) -> bool:
    worst = 0.0
    for j in range(INTEGRALS):
        apart = abs(rules[0, j] - rules[1, j]) / units[j]
        worst = worst if apart <= worst else apart  # NaN is the worst
    return worst <= _AGREE


@kernel
def _integrals(
    start: complex, way: complex, width: float, units: Array, k: float, w: float, row: Array
) -> tuple[Array, bool]:
    """The five integrals from `start` on, and whether they converged."""
    found, rules = np.zeros(INTEGRALS), np.empty((2, INTEGRALS))
    ends = np.empty(_DEEPEST + 1)
    low, panels, most = 0.0, 0, _left(start, k, w, row)
    while low == 0.0 or _left(start + low * way, k, w, row) * low > _GONE * most * width:
        ends[0], depth = low + max(width, low), 0
        while depth >= 0:
            panels += 1
            _panel(rules, start, way, low, ends[depth], k, w, row)
            if _agree(rules, units):
                for j in range(INTEGRALS):
                    found[j] += rules[0, j]
                low = ends[depth]
                depth -= 1
            elif panels >= MOST_PANELS or depth == _DEEPEST:
                return found, False
            else:
                ends[depth + 1] = 0.5 * (low + ends[depth])
                depth += 1
    return found, True


@inline
def _way(k: float, row: Array) -> complex:
    """The direction in which e^(iuk) ψ dies away: its logarithm goes as -u (V/ξ) (√(1 - ρ²) + i (ρ - kξ/V))."""
    phase = row[11] - k * row[10] / (row[7] + row[8] * row[9] * row[3])
    return complex(1.0, -_TILT if phase > 0.0 else _TILT)


@kernel
def _near(row: Array, k: float, w: float) -> tuple[Array, bool]:
    """The integrals near the money. Their units are what each is like there, over √(FK)."""
    root, maturity = np.sqrt(w), row[3]
    units = np.array([root, 1.0, 1.0 / root, maturity / root, root / maturity])
    return _integrals(complex(0.0, 0.0), _way(k, row), 1.0 / root, units, k, w, row)


@kernel
def _far(row: Array, k: float, eta: float) -> tuple[Array, bool]:
    """The integrals from the saddle point. Their units are the integrand there times its width."""
    step = 1e-3 * (abs(eta) - 0.5)
    top = _height(eta, k, row)
    bend = (_height(eta + step, k, row) + _height(eta - step, k, row) - 2.0 * top) / (step * step)
    width = 1.0 / np.sqrt(bend) if 0.0 < bend < math.inf else abs(eta)
    start = complex(0.0, eta)
    _, by_v0, by_t = _exponent(start, row)
    size = exp(top) * width
    units = np.array([1.0, abs(eta), abs(eta * eta - 0.25), abs(by_v0), abs(by_t)])
    for j in range(INTEGRALS):
        units[j] = units[j] * size + 1e-300
    return _integrals(start, _way(k, row), width, units, k, -1.0, row)


@kernel
def _write(out: Array, i: int, row: Array, futures: bool, found: Array, base: tuple[float, float, float]) -> None:
    """The answer of row i, from the integrals and the base: its parts in spot and in cash, and S² gamma."""
    spot, strike, maturity, rate, dividend_yield = row[1], row[2], row[3], row[4], row[5]
    held, paid = spot * exp(-dividend_yield * maturity), strike * exp(-rate * maturity)
    scale = np.sqrt(held * paid) / math.pi
    price = base[0] - base[1] - scale * found[0]
    price = min(max(price, row[0] * (held - paid), 0.0), held if row[0] > 0.0 else paid)
    delta = (base[0] - scale * found[1]) / spot
    out[0, i] = finite(price)
    out[1, i] = finite(delta)
    out[2, i] = finite((base[2] + scale * found[2]) / (spot * spot))
    out[3, i] = finite(-2.0 * np.sqrt(row[7]) * scale * found[3])
    out[4, i] = finite(rate * price - (rate - dividend_yield) * spot * delta + scale * found[4])
    out[5, i] = finite(-maturity * price if futures else maturity * (spot * delta - price))


@kernel
def _answer(out: Array, i: int, row: Array, futures: bool, w: float) -> bool:
    """Write the answer of row i, whose expected variance w is above 0; whether it converged."""
    sign, maturity = row[0], row[3]
    held, paid = row[1] * exp(-row[5] * maturity), row[2] * exp(-row[4] * maturity)
    k, s = log(held / paid), np.sqrt(w)
    eta = _saddle(k, row) if abs(k) > _FAR * s else 0.0
    if eta == 0.0:
        in_spot, in_cash, slope = black(sign, held, paid, s)
        found, converged = _near(row, k, w)
        base = (sign * in_spot, sign * in_cash, slope / s)
    else:
        found, converged = _far(row, k, eta)
        out_of_the_money = sign * k < 0.0
        base = (0.0, 0.0, 0.0) if out_of_the_money else (sign * held, sign * paid, 0.0)
    _write(out, i, row, futures, found, base)
    return converged


@kernel
def heston(rows: Array, black_rows: Array, futures: bool) -> tuple[Array, NDArray[np.int64]]:
    """Answers [OUTPUTS, n] of rows [12, n], and their statuses; vega is by √v0.

    `black_rows` are the answers where there is no variance: those of Black's formula with volatility 0.
    """
    n = rows.shape[1]
    out, status = np.empty((OUTPUTS, n)), np.zeros(n, np.int64)
    row = np.empty(rows.shape[0])
    for i in range(n):
        for j in range(row.shape[0]):
            row[j] = rows[j, i]
        w = expected_variance(row)
        if w <= 0.0:
            for j in range(OUTPUTS):
                out[j, i] = black_rows[j, i]
        elif not _answer(out, i, row, futures, w):
            status[i] = NO_CONVERGENCE
            for j in range(OUTPUTS):
                out[j, i] = math.nan
    return out, status
