"""Heston's call prices and their derivatives by the model's parameters: one characteristic function a maturity, for all
strikes at once.

    dS/S = (r - q) dt + √V dW,   dV = κ (θ - V) dt + ξ √V dZ,   dW dZ = ρ dt,   V(0) = v0

Lewis (2000): with x = log(F/K) and ψ(u) = E exp(i (u - i/2) log(S_T/F)), the discounted call is

    C = B - D √(FK)/π ∫₀^∞ Re(e^(iux) (ψ(u) - χ(u))) / (u² + 1/4) du,

where B is Black's price at a control variance w and χ(u) = exp(-w (u² + 1/4)/2): both have the value 1 where u² + 1/4
is 0, so that no pole is left near the axis, and few nodes will do. With a = u² + 1/4, β = κ - ρξ (1/2 + iu),
d = √(β² + ξ² a), E = e^(-dT), N = β + d, M = β - d = -ξ² a / N and Q = N - M E,

    log ψ = κθ A + v0 B,   A = -a T/N - (2/ξ²) log(Q/2d),   B = -a (1 - E)/Q.

Re d² > 0 and Q/2d does not wind around 0, so roots and logarithms are principal ones (Albrecher, Mayer, Schoutens and
Tistaert 2007, *The little Heston trap*). Derivatives by the chain rule through β and d (Cui, del Baño Rollin and
Germano 2017, *Full and fast calibration of the Heston stochastic volatility model*, have them in another form).

Nodes: Gauss-Legendre in y on (-1, 1), u = c (1 + y)/(1 - y). Parameters are the array v0, κ, θ, ξ, ρ.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log1p, sincos_turn
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]

_PER_TURN = 0.15915494309189535  # 1/(2π)
_PER_PI = 0.3183098861837907
COLUMNS = 6  # ψ - χ, and ψ times the derivative of log ψ by v0, κ, θ, ξ, ρ


@kernel
def gauss_legendre(n: int) -> tuple[Array, Array]:
    """Nodes and weights of order n on (-1, 1): Newton steps on Legendre's recurrence."""
    nodes, weights = np.zeros(n), np.zeros(n)
    for i in range(n):
        _, y = sincos_turn(0.5 * (i + 0.75) / (n + 0.5))
        slope = 1.0
        for _ in range(8):
            before, at = 1.0, y
            for k in range(2, n + 1):
                before, at = at, ((2 * k - 1) * y * at - (k - 1) * before) / k
            slope = n * (y * at - before) / (y * y - 1.0)
            y -= at / slope
        nodes[i], weights[i] = y, 2.0 / ((1.0 - y * y) * slope * slope)
    return nodes, weights


@kernel
def half_line(y: Array, w: Array, scale: float) -> tuple[Array, Array]:
    """u = scale (1 + y)/(1 - y) of nodes y with weights w, and its weights over (u² + 1/4) π."""
    u = scale * (1.0 + y) / (1.0 - y)
    return u, w * (2.0 * scale * _PER_PI) / ((1.0 - y) * (1.0 - y) * (u * u + 0.25))


@kernel
def waves(u: Array, x: Array) -> tuple[Array, Array]:
    """cos(u x) and sin(u x): [strikes, nodes]. They do not depend on the parameters."""
    cosines, sines = np.empty((x.shape[0], u.shape[0])), np.empty((x.shape[0], u.shape[0]))
    for k in range(x.shape[0]):
        for j in range(u.shape[0]):
            sines[k, j], cosines[k, j] = sincos_turn(_PER_TURN * u[j] * x[k])
    return cosines, sines


@inline
def _root(re: float, im: float) -> complex:
    """√(re + i im), re > 0."""
    real = math.sqrt(0.5 * (math.sqrt(re * re + im * im) + re))
    return complex(real, 0.5 * im / real)


@inline
def _exp(z: complex) -> complex:
    sine, cosine = sincos_turn(_PER_TURN * z.imag)
    size = exp(z.real)
    return complex(size * cosine, size * sine)


@inline
def _log1p(z: complex) -> complex:
    """log(1 + z), accurate near 0; the square of |1 + z| is 1 + 2 Re z + |z|²."""
    return complex(0.5 * log1p(2.0 * z.real + (z.real * z.real + z.imag * z.imag)), math.atan2(z.imag, 1.0 + z.real))


@kernel
def transform(u: Array, weights: Array, maturity: float, parameters: Array, control: float) -> Array:
    """[COLUMNS, 2, nodes]: real and imaginary parts of what is integrated, times the weights.

    `control` is the total variance w of the control.
    """
    v0, kappa, theta, xi, rho = parameters[0], parameters[1], parameters[2], parameters[3], parameters[4]
    out = np.empty((COLUMNS, 2, u.shape[0]))
    xi2 = xi * xi
    for j in range(u.shape[0]):
        a = u[j] * u[j] + 0.25
        s = complex(0.5, u[j])
        beta = complex(kappa - 0.5 * rho * xi, -rho * xi * u[j])
        d = _root(beta.real**2 - beta.imag**2 + xi2 * a, 2.0 * beta.real * beta.imag)
        if beta.real >= 0.0:  # of N and M, the one that is no difference
            n = beta + d
            m = -xi2 * a / n
        else:
            m = beta - d
            n = -xi2 * a / m
        e = _exp(-d * maturity)
        q = n - m * e
        log_q = _log1p(m * (1.0 - e) / (2.0 * d))
        big_a = -a * maturity / n - 2.0 / xi2 * log_q
        big_b = -a * (1.0 - e) / q
        # by β (d moves with it: β/d), and by ξ in d alone: ξ a/d
        e_d = -maturity * e
        q_b = (n + m * e * (1.0 + maturity * beta)) / d
        d_x = xi * a / d
        q_x = d_x * (1.0 + e + m * maturity * e)
        b_b = a * (e_d * beta / d * q + (1.0 - e) * q_b) / (q * q)
        b_x = a * (e_d * d_x * q + (1.0 - e) * q_x) / (q * q)
        a_b = a * maturity / (d * n) - 2.0 / xi2 * (q_b / q - beta / (d * d))
        a_x = a * maturity * d_x / (n * n) + 4.0 / (xi2 * xi) * log_q - 2.0 / xi2 * (q_x / q - d_x / d)
        by_b, by_x = kappa * theta * a_b + v0 * b_b, kappa * theta * a_x + v0 * b_x
        psi = weights[j] * _exp(kappa * theta * big_a + v0 * big_b)
        values = (
            psi - weights[j] * exp(-0.5 * control * a),
            psi * big_b,
            psi * (theta * big_a + by_b),
            psi * (kappa * big_a),
            psi * (by_x - rho * s * by_b),
            psi * (-xi * s * by_b),
        )
        for c in range(COLUMNS):
            out[c, 0, j], out[c, 1, j] = values[c].real, values[c].imag
    return out


@kernel
def integrals(transformed: Array, cosines: Array, sines: Array) -> Array:
    """[strikes, COLUMNS]: the integral over u for every strike, of all columns in one pass."""
    strikes, nodes = cosines.shape
    out = np.empty((strikes, COLUMNS))
    for k in range(strikes):
        t0 = t1 = t2 = t3 = t4 = t5 = 0.0
        for j in range(nodes):
            c, s = cosines[k, j], sines[k, j]
            t0 += transformed[0, 0, j] * c - transformed[0, 1, j] * s
            t1 += transformed[1, 0, j] * c - transformed[1, 1, j] * s
            t2 += transformed[2, 0, j] * c - transformed[2, 1, j] * s
            t3 += transformed[3, 0, j] * c - transformed[3, 1, j] * s
            t4 += transformed[4, 0, j] * c - transformed[4, 1, j] * s
            t5 += transformed[5, 0, j] * c - transformed[5, 1, j] * s
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4], out[k, 5] = t0, t1, t2, t3, t4, t5
    return out


@kernel
def gather(integrated: Array, offset: Array, factor: Array, gradient: Array, normal: Array) -> float:
    """Σ r² of the residuals r = offset - factor · integral; J'r and J'J are added to `gradient` and `normal`."""
    cost = 0.0
    for k in range(offset.shape[0]):
        residual = offset[k] - factor[k] * integrated[k, 0]
        cost += residual * residual
        for i in range(COLUMNS - 1):
            by = -factor[k] * integrated[k, 1 + i]
            gradient[i] += by * residual
            for j in range(i + 1):
                normal[i, j] -= by * factor[k] * integrated[k, 1 + j]
    for i in range(COLUMNS - 1):
        for j in range(i):
            normal[j, i] = normal[i, j]
    return cost
