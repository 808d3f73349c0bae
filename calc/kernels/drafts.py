"""The first rounds of `active_set.guess` with one factor for all of them: drafts, which tell which bounds hold.

Each round of the guess factors the block of the variables that are free, which differs little from that of the round
before. Here the whole of H is factored once, and what is at a bound is held there by a row of its own: worth it while
these are few of many variables. `guess` goes on from the states alone, so nothing of a draft is in its answer.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.active_states import Array, States, free_block, moved, row_of, solve_steps
from calc.kernels.jit import kernel
from calc.kernels.lanes import dot8
from calc.kernels.linear import cholesky, forward, symmetric_times

Whole = NDArray[np.int64]

MANY, PINNED = 64, 4  # variables from which on rounds are drafted, while at most one in so many is at a bound
STEADY = 1e3  # of the largest to the smallest of the pivots' roots: below it a draft needs no refinement


@kernel
def drafted(
    h: Array, c: Array, lower: Array, upper: Array, a: Array, least: Array, most: Array, states: States, rounds: int
) -> int:
    """So many rounds, but for the last, which is to be done again; `states` is where it begins, and is changed."""
    n, m = c.shape[0], least.shape[0]
    room = m + n // PINNED
    if n < MANY or np.count_nonzero(states[:n]) > 0:
        return 0
    factor = free_block(h, np.arange(n))
    if cholesky(factor, n) >= 0:
        return 0
    pivots = np.diag(factor)
    refinements = 1 if pivots.max() > STEADY * pivots.min() else 0
    halves, between = np.zeros((room, n)), np.empty((room, room))  # R⁻ᵀAᵀ, turned, and what they make with each other
    place, held = np.full(n, -1), m
    x, y, gradient = np.empty(n), np.empty(m), np.empty(n)
    for k in range(m):
        halves[k] = a[k]
        _hold(factor, halves, between, k, 0)
    for done in range(rounds):
        pinned, tight = np.flatnonzero(states[:n]), np.flatnonzero(states[n:])
        for p in range(pinned.shape[0]):
            i = int(pinned[p])
            if place[i] < 0:
                if held == room:
                    return done
                halves[held, i] = 1.0
                _hold(factor, halves, between, held, i)
                place[i], held = held, held + 1
        rows = np.concatenate((tight, place[pinned]))
        wanted = _wanted(lower, upper, least, most, states, tight, pinned)
        if not _solved(h, c, a, factor, halves, between, tight, pinned, rows, wanted, refinements, x, y):
            return done
        changed, _ = moved(h, c, lower, upper, a, least, most, states, x, y, gradient)
        if changed == 0:
            return done
    return rounds


@kernel
def _hold(factor: Array, halves: Array, between: Array, row: int, first: int) -> None:
    """One row more of `halves`, which is 0 before `first`, and what it makes with itself and those before."""
    n = factor.shape[0]
    forward(factor[first:, first:], n - first, halves[row, first:])
    for other in range(row + 1):
        between[row, other] = dot8(halves[row, first:], halves[other, first:])


@kernel
def _wanted(
    lower: Array, upper: Array, least: Array, most: Array, states: States, tight: Whole, pinned: Whole
) -> Array:
    """What the tight rows and then the pinned variables are to be."""
    t, n = tight.shape[0], lower.shape[0]
    out = np.empty(t + pinned.shape[0])
    for p in range(t):
        out[p] = least[tight[p]] if states[n + tight[p]] < 0 else most[tight[p]]
    for p in range(pinned.shape[0]):
        out[t + p] = lower[pinned[p]] if states[pinned[p]] < 0 else upper[pinned[p]]
    return out


@kernel
def _solved(
    h: Array,
    c: Array,
    a: Array,
    factor: Array,
    halves: Array,
    between: Array,
    tight: Whole,
    pinned: Whole,
    rows: Whole,
    wanted: Array,
    refinements: int,
    x: Array,
    y: Array,
) -> bool:
    """Write x and the multipliers y of the tight rows; False where the rows depend on each other. `rows` says where
    the tight rows and the pinned variables stand in `halves`."""
    t, tights, n = rows.shape[0], tight.shape[0], c.shape[0]
    half, schur, rest = np.empty((t, n)), np.empty((t, t)), np.empty(n)
    for p in range(t):
        half[p] = halves[rows[p]]
        for q in range(t):
            schur[p, q] = between[max(rows[p], rows[q]), min(rows[p], rows[q])]
        schur[p, p] *= 1.0 + 1e-14
    if t > n or cholesky(schur, t) >= 0:
        return False
    short, pull = np.empty(t), np.zeros(t)
    x[:] = 0.0
    for _ in range(1 + refinements):
        symmetric_times(h, x, rest)
        for i in range(n):
            rest[i] = c[i] - rest[i]
        for p in range(tights):
            value, _unit = row_of(a, tight[p], x)
            short[p] = wanted[p] - value
            for i in range(n):
                rest[i] -= pull[p] * a[tight[p], i]
        for p in range(tights, t):
            short[p] = wanted[p] - x[pinned[p - tights]]
            rest[pinned[p - tights]] -= pull[p]
        solve_steps(factor, half, schur, rest, short)
        for i in range(n):
            x[i] += rest[i]
        for p in range(t):
            pull[p] += short[p]
    y[:] = 0.0
    for p in range(tights):
        y[tight[p]] = pull[p]
    for p in range(tights, t):
        x[pinned[p - tights]] = wanted[p]
    return True
