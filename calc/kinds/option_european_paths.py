"""How a simulation of `option_european` is cut into parts, and what the sums of its parts say."""

import math
from collections.abc import Sequence

import numpy as np

from calc.kind import once_per_params
from calc.kinds.option_european_params import Params, model_of, table
from calc.numerics import european as numerics
from calc.numerics.european import BLOCK, OUTPUTS, REPLICATES, RHO, Estimates, Simulation

BLOCKS_A_PART = 4096  # about 0.6 s; of Heston so many blocks times twice the steps
POINTS_A_PART = 2**21  # of each replicate, and as above
# To a target parts are finer, so that it is not overshot by much: a share of all, but at least so many.
LEAST_BLOCKS, LEAST_POINTS, LEAST_SHARE = 16, 2**13, 2**10

LEAST_VARIANCE = 1e-30  # of log price; with less, each price at maturity is the forward to its last digit


def each(params: Params) -> int:
    """Paths that are one observation."""
    return 2 if (params.variance_reduction or "").startswith("antithetic") else 1


def controlled(params: Params) -> bool:
    """Whether the discounted price at maturity is a control."""
    return (params.variance_reduction or "").endswith("control")


def whole(params: Params) -> int:
    """All blocks; or with rqmc all points of each replicate, a power of two."""
    if params.method == "rqmc":
        return 1 << (math.ceil((params.paths or 0) / REPLICATES) - 1).bit_length()
    return math.ceil((params.paths or 0) / BLOCK)


def a_part(params: Params) -> int:
    """Blocks, or points of each replicate, that are a part."""
    rqmc, every = params.method == "rqmc", whole(params)
    most, least = (POINTS_A_PART, LEAST_POINTS) if rqmc else (BLOCKS_A_PART, LEAST_BLOCKS)
    if params.target_standard_error is not None:
        most = min(max(every // LEAST_SHARE, least), most)
    steps = _steps(params)
    if rqmc:
        return min(max(32, most >> (2 * steps).bit_length()) if steps else most, every)
    return max(1, most // (2 * steps)) if steps else most


def sums(params: Params, part: int) -> tuple[int, list[list[float]]]:
    """Observations in each group, and the sums of the groups: one sample, or all replicates."""
    size = a_part(params)
    if params.method == "rqmc":
        return size, [_sums(params, (replicate, part * size, size)) for replicate in range(REPLICATES)]
    blocks = range(part * size, min((part + 1) * size, whole(params)))
    counts = [min(BLOCK, (params.paths or 0) - block * BLOCK) // each(params) for block in blocks]
    return sum(counts), added([[_sums(params, piece)] for piece in zip(blocks, counts, strict=True)])


def added(groups: Sequence[list[list[float]]]) -> list[list[float]]:
    """Group by group and sum by sum, exactly rounded."""
    return [[math.fsum(values) for values in zip(*group, strict=True)] for group in zip(*groups, strict=True)]


def estimates(params: Params, observations: int, groups: list[list[float]]) -> Estimates:
    """Price and greeks with their errors."""
    return numerics.estimates(groups, observations, _simulation(params).pilots, controlled(params))


def variance(params: Params) -> float:
    """Of the logarithm of the price at maturity; under Heston the expected one."""
    return numerics.total_variance(model_of(params), table(params)[0][:, 0])


def random(params: Params) -> bool:
    """Whether anything is: prices at maturity differ by more than their last digit."""
    return variance(params) > LEAST_VARIANCE


def spread(params: Params) -> bool:
    """Whether the price at maturity still varies when the path of Heston's variance is known: |ρ| < 1."""
    return float(table(params)[0][RHO, 0]) ** 2 < 1


def _steps(params: Params) -> int:
    return (params.steps or 0) if params.model == "heston" else 0


@once_per_params
def _simulation(params: Params) -> Simulation:
    model, row = model_of(params), np.ascontiguousarray(table(params)[0][:, 0])
    pilots = numerics.pilots(model, row)
    return Simulation(row, model, pilots, _steps(params), each(params) == 2, params.seed or 0)


def _sums(params: Params, piece: tuple[int, ...]) -> list[float]:
    """Of a block (its number, its observations), or of a piece (replicate, first point, points)."""
    if not random(params):
        return [0.0] * (3 * (len(OUTPUTS) + 1))  # every observation is its pilot
    of = numerics.replicate_sums if len(piece) == 3 else numerics.block_sums
    found: list[float] = of(_simulation(params), *piece).tolist()
    return found
