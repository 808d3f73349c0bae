"""The upper tail of L = Σ (b_j y_j + λ_j y_j²), y_j independent standard normals: its generating function, inverted.

With K(s) = Σ ½ s² b_j²/(1-2λ_j s) - ½ log(1-2λ_j s), the logarithm of E[exp(sL)], and c > 0 within its domain,

    P(L > x) = 1/2πi ∫ exp(K(s) - sx) / s ds,    E[(L-x)⁺]: with 1/s²,    density: with 1

along c + i·IR (Gil-Pelaez 1951, Imhof 1961, with the contour moved off the pole). All singularities are on the real
axis, so the path may bend to either side: on s = c + w (κ(√(1+v²) - 1) + iv), v = sinh u, the integrand falls
exponentially, and the trapezoidal rule in u converges as fast (Trefethen and Weideman 2014, *The exponentially
convergent trapezoidal rule*).
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp
from calc.kernels.jit import kernel

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

MOST_NODES = 4000


@kernel
def nodes(
    linear: Array, square: Array, x: float, centre: float, width: float, bend: float, step: float
) -> tuple[Complex, Complex]:
    """Points s of the upper half of the path, and weights g.

    The tail is Im Σ g/s, the density Im Σ g, E[(L-x)⁺] is Im Σ g/s².
    """
    points, weights = np.empty(MOST_NODES, dtype=np.complex128), np.empty(MOST_NODES, dtype=np.complex128)
    largest, count = 0.0, 0
    for i in range(MOST_NODES):
        up = exp(i * step)
        v, slope = 0.5 * (up - 1.0 / up), 0.5 * (up + 1.0 / up)
        s = complex(centre + width * bend * (slope - 1.0), width * v)
        turn = complex(width * bend * v, width * slope)
        exponent = -s * x
        for j in range(linear.shape[0]):
            rest = 1.0 - 2.0 * square[j] * s
            exponent += 0.5 * (s * linear[j]) ** 2 / rest - 0.5 * np.log(rest)
        g = np.exp(exponent) * turn * (step / np.pi) * (0.5 if i == 0 else 1.0)
        points[i], weights[i] = s, g
        count = i + 1
        size = abs(g)
        largest = max(largest, size)
        if size <= 1e-19 * largest and up > 3.0:
            break
    return points[:count], weights[:count]


@kernel
def integral(points: Complex, weights: Complex, power: int) -> float:
    """Im Σ g / s^power."""
    total = 0.0
    for i in range(points.shape[0]):
        g = weights[i]
        for _ in range(power):
            g = g / points[i]
        total += g.imag
    return total


@kernel
def second_moments(linear: Array, square: Array, points: Complex, weights: Complex, power: int) -> tuple[Array, Array]:
    """E[y_j; L > x] and E[y_j y_l; L > x] (power 1), or the same in the density of L at x (power 0)."""
    k = linear.shape[0]
    first, second = np.zeros(k), np.zeros((k, k))
    re, im = np.empty(k), np.empty(k)
    for i in range(points.shape[0]):
        s, g = points[i], weights[i]
        if power == 1:
            g = g / s
        for j in range(k):
            rest = 1.0 / (1.0 - 2.0 * square[j] * s)
            mean = s * linear[j] * rest
            re[j], im[j] = mean.real, mean.imag
            first[j] += (g * mean).imag
            second[j, j] += (g * rest).imag
        for j in range(k):
            row, a, b = second[j], g.real * re[j] - g.imag * im[j], g.real * im[j] + g.imag * re[j]
            for m in range(k):
                row[m] += a * im[m] + b * re[m]
    return first, second
