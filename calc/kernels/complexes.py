"""Complex exp, root and log(1 + z) from the elementary functions: for use within kernels."""

import math

from calc.kernels.elementary import exp, log1p, sincos_turn
from calc.kernels.jit import inline

_PER_TURN = 0.15915494309189535  # 1/(2π)


@inline
def exp_c(z: complex) -> complex:
    """e^z, for |Im z| < 10^15."""
    sine, cosine = sincos_turn(_PER_TURN * z.imag)
    size = exp(z.real)
    return complex(size * cosine, size * sine)


@inline
def sqrt_c(z: complex) -> complex:
    """The root with a real part that is not negative."""
    size = math.sqrt(z.real * z.real + z.imag * z.imag)
    larger = math.sqrt(0.5 * (size + abs(z.real)))
    smaller = 0.5 * z.imag / larger if larger > 0.0 else 0.0
    if z.real >= 0.0:
        return complex(larger, smaller)
    return complex(abs(smaller), math.copysign(larger, z.imag))


@inline
def log1p_c(z: complex) -> complex:
    """The principal log(1 + z), accurate near 0."""
    square = 2.0 * z.real + (z.real * z.real + z.imag * z.imag)  # of |1 + z|, less 1
    return complex(0.5 * log1p(square), math.atan2(z.imag, 1.0 + z.real))
