"""exp, log, sine and the normal law, the same to the last bit on every processor, and fast within loops.

The functions of libm and numpy have other last bits where a processor has AVX-512. These are made of sums, products
and fused multiply-adds alone, without a branch, so that LLVM makes vectors of them at any width. Errors, over the
whole range: exp, log, expm1, log1p and sines 2 units in the last place, the normal law 1e-14 relative, in both tails
as well (tests/calc/kernels/test_elementary.py). Infinities and NaN behave as in numpy.

Scalars are for use within kernels (or from Python, slowly); the functions named …_of take an array of float64 and
give a new one.

Sources: fdlibm (Sun, 1993) for log and sine; Shepherd and Laframboise (1981), *Chebyshev approximation of (1+2x)
exp(x²) erfc x in 0 ≤ x < ∞*, for the form of the tail, whose coefficients were computed anew with 60 digits;
Wichura (1988), *Algorithm AS 241*, for the quantile.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import fma, inline, kernel, polynomial

Array = NDArray[np.float64]

_ROUND = 6755399441055744.0  # 1.5 · 2^52: a number added to it is rounded to a whole one, which stands in its low bits
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # multiples of the first are exact
_LOG2_E = 1.4426950408889634
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_PER_ROOT_2PI = 0.3989422804014327
_LOG_ROOT_2PI = 0.9189385332046727

_EXP = polynomial(*(1.0 / math.factorial(n) for n in range(2, 14)))
_LOG = polynomial(
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_SIN = polynomial(
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_COS = polynomial(
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)
_MILLS = polynomial(
    1.9485319307624096,
    -1.7571690543441036,
    1.4261935116084092,
    -1.0375024310762127,
    0.6717118214993473,
    -0.3827125866714499,
    0.1884280492787981,
    -0.07766866792804299,
    0.025141031962779743,
    -0.005343142079528957,
    8.239314429257288e-05,
    0.00045460414842582507,
    -0.00016230983181152883,
    2.692830676208548e-06,
    1.703681897539653e-05,
    -4.504397378030869e-06,
    -1.0766450945374237e-06,
    7.695942346028983e-07,
    1.7164141509358077e-08,
    -1.02867119335198e-07,
    7.087974401694241e-09,
    1.1697091589014398e-08,
    -9.037209862696747e-10,
    -8.530934596657191e-10,
)
_PPF_CENTRE_OVER = polynomial(
    3.3871328727963666080,
    133.14166789178437745,
    1971.5909503065514427,
    13731.693765509461125,
    45921.953931549871457,
    67265.770927008700853,
    33430.575583588128105,
    2509.0809287301226727,
)
_PPF_CENTRE_UNDER = polynomial(
    1.0,
    42.313330701600911252,
    687.18700749205790830,
    5394.1960214247511077,
    21213.794301586595867,
    39307.895800092710610,
    28729.085735721942674,
    5226.4952788528545610,
)
_PPF_NEAR_OVER = polynomial(
    1.42343711074968357734,
    4.63033784615654529590,
    5.76949722146069140550,
    3.64784832476320460504,
    1.27045825245236838258,
    0.241780725177450611770,
    0.0227238449892691845833,
    7.74545014278341407640e-4,
)
_PPF_NEAR_UNDER = polynomial(
    1.0,
    2.05319162663775882187,
    1.67638483018380384940,
    0.689767334985100004550,
    0.148103976427480074590,
    0.0151986665636164571966,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
_PPF_FAR_OVER = polynomial(
    6.65790464350110377720,
    5.46378491116411436990,
    1.78482653991729133580,
    0.296560571828504891230,
    0.0265321895265761230930,
    0.00124266094738807843860,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
_PPF_FAR_UNDER = polynomial(
    1.0,
    0.599832206555887937690,
    0.136929880922735805310,
    0.0148753612908506148525,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)


@inline
def _bits(x: float) -> int:
    return int(np.float64(x).view(np.int64))


@inline
def _float(bits: int) -> float:
    return np.int64(bits).view(np.float64)


@inline
def _power_of_two(k: int) -> float:
    """2^k, for -1022 <= k <= 1023."""
    return _float((k + 1023) << 52)


@inline
def _whole(x: float) -> tuple[float, int]:
    """The nearest whole number, as a float and as an integer; |x| < 2^51."""
    shifted = x + _ROUND
    return shifted - _ROUND, _bits(shifted) - _bits(_ROUND)


@inline
def _reduced_exp(x: float) -> tuple[float, int]:
    """(e, k) with exp(x) = (1 + e) 2^k and |e| < 0.42, for -746 <= x <= 710; outside, as at these ends."""
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    whole, k = _whole(x * _LOG2_E)
    r = fma(-whole, _LN2_LOW, fma(-whole, _LN2_HIGH, x))
    return fma(r * r, _EXP(r), r), k


@inline
def exp(x: float) -> float:
    """e^x."""
    e, k = _reduced_exp(x)
    half = k >> 1
    return (1.0 + e) * _power_of_two(half) * _power_of_two(k - half)


@inline
def expm1(x: float) -> float:
    """e^x - 1, accurate near 0."""
    e, k = _reduced_exp(x)
    k = 1000 if k > 1000 else k
    k = -1000 if k < -1000 else k
    power = _power_of_two(k)
    near = fma(e, power, power - 1.0)
    near = x if abs(x) < 1e-17 else near
    return exp(x) if x > 600.0 else near


@inline
def log(x: float) -> float:
    """Natural logarithm; -∞ of 0, NaN of what is below."""
    subnormal = x < 2.2250738585072014e-308
    bits = _bits(x * 18014398509481984.0 if subnormal else x)
    k = (bits - _SQRT_HALF_BITS) >> 52  # bits / 2^k is within √½ … √2
    f = _float(bits - (k << 52)) - 1.0
    exponent = _float((k + (-54 if subnormal else 0)) + _bits(_ROUND)) - _ROUND
    s = f / (2.0 + f)
    half_square = 0.5 * f * f
    tail = fma(exponent, _LN2_LOW, s * fma(s * s, _LOG(s * s), half_square))
    value = fma(exponent, _LN2_HIGH, f - (half_square - tail))
    value = x if x == math.inf else value
    value = -math.inf if x == 0.0 else value
    return value if x >= 0.0 else math.nan


@inline
def log1p(x: float) -> float:
    """log(1 + x), accurate near 0."""
    u = 1.0 + x
    lost = 1.0 - (u - x) if x > 1.0 else x - (u - 1.0)
    value = log(u)
    return value + lost / u if 0.0 < u < math.inf else value


@inline
def sincos_turn(u: float) -> tuple[float, float]:
    """Sine and cosine of 2πu, for |u| < 2^49: of so many turns."""
    whole, k = _whole(4.0 * u)
    a = fma(whole, -0.25, u) * (2.0 * math.pi)
    z = a * a
    sine = fma(a * z, _SIN(z), a)
    half = 0.5 * z
    near_one = 1.0 - half
    cosine = near_one + fma(z * z, _COS(z), (1.0 - near_one) - half)
    odd = (k & 1) == 1
    s, c = (cosine if odd else sine), (sine if odd else cosine)
    return (-s if (k & 2) == 2 else s), (-c if ((k + 1) & 2) == 2 else c)


@inline
def _exp_of_minus_half_square(x: float) -> float:
    """exp(-x²/2): the square has a rounding error that grows with it, and is known."""
    square = x * x
    lost = fma(x, x, -square)
    return exp(-0.5 * square) * (1.0 - 0.5 * lost)


@inline
def norm_pdf(x: float) -> float:
    """Density of the standard normal law."""
    x = 40.0 if abs(x) > 40.0 else x
    return _PER_ROOT_2PI * _exp_of_minus_half_square(x)


@inline
def _upper_tail(a: float) -> float:
    """P(Z > a) for a >= 0: density times Mills' ratio, which is a polynomial in (a - 6)/(a + 6), over a + 6."""
    a = 40.0 if a > 40.0 else a
    return norm_pdf(a) * _MILLS((a - 6.0) / (a + 6.0)) / (a + 6.0)


@inline
def norm_cdf(x: float) -> float:
    """P(Z <= x) of the standard normal law."""
    tail = _upper_tail(abs(x))
    return 1.0 - tail if x > 0.0 else tail


@inline
def norm_log_cdf(x: float) -> float:
    """log P(Z <= x), where P itself is below all floats as well."""
    a = abs(x)
    a = 1e160 if a > 1e160 else a
    below = log(_MILLS((a - 6.0) / (a + 6.0))) - log(a + 6.0) - _LOG_ROOT_2PI - 0.5 * a * a
    return log1p(-_upper_tail(a)) if x > 0.0 else below


@inline
def _ppf_centre(q: float) -> float:
    """The quantile of 0.5 + q, for |q| <= 0.425."""
    r = fma(-q, q, 0.180625)
    return q * _PPF_CENTRE_OVER(r) / _PPF_CENTRE_UNDER(r)


@inline
def _ppf_tail(p: float) -> float:
    """The size of the quantile of p < 0.075."""
    r = np.sqrt(-log(p))
    near, far = r - 1.6, r - 5.0
    if r <= 5.0:
        return _PPF_NEAR_OVER(near) / _PPF_NEAR_UNDER(near)
    return _PPF_FAR_OVER(far) / _PPF_FAR_UNDER(far) if p > 0.0 else math.inf


@inline
def norm_ppf(p: float) -> float:
    """The x with P(Z <= x) = p; ∓∞ at 0 and 1, NaN outside."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return _ppf_centre(q)
    if not 0.0 <= p <= 1.0:
        return math.nan
    return -_ppf_tail(p) if q < 0.0 else _ppf_tail(1.0 - p)


@kernel
def exp_of(x: Array) -> Array:
    """e^x of each number."""
    out = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        out[i] = exp(x[i])
    return out


@kernel
def log_of(x: Array) -> Array:
    """Natural logarithm of each number."""
    out = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        out[i] = log(x[i])
    return out


@kernel
def norm_cdf_of(x: Array) -> Array:
    """P(Z <= x) for each number."""
    out = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        out[i] = norm_cdf(x[i])
    return out


@kernel
def fill_ppf(out: Array, p: Array) -> None:
    """The normal quantile of each p, written to `out`: all as if near the centre, then the tails anew."""
    for i in range(p.shape[0]):
        out[i] = _ppf_centre(p[i] - 0.5)
    for i in range(p.shape[0]):
        if not abs(p[i] - 0.5) <= 0.425:
            out[i] = norm_ppf(p[i])


@kernel
def norm_ppf_of(p: Array) -> Array:
    """The normal quantile of each number."""
    out = np.empty(p.shape[0])
    fill_ppf(out, p)
    return out
