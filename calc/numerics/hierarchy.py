"""Hierarchical risk parity: assets ordered by how alike they move, weights by halving that order.

The distance of two assets is √((1-ρ)/2). López de Prado (2016), *Building diversified portfolios that outperform out of
sample*.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calc import lazy

Array = NDArray[np.float64]
kernel = lazy.module("calc.kernels.hierarchy")

Linkage = Literal["single", "average", "ward"]
Distance = Literal["correlation", "rows"]
_CODES = {"single": 0, "average": 1, "ward": 2}


def weights(covariance: Array, linkage: Linkage, distance: Distance) -> tuple[Array, list[int]]:
    """Weights that add up to 1, and the order of the assets. Variances must be above 0."""
    deviations = np.sqrt(covariance.diagonal())
    correlation = covariance / np.multiply.outer(deviations, deviations)
    apart = np.sqrt(np.maximum(0.5 * (1.0 - correlation), 0.0))
    np.fill_diagonal(apart, 0.0)
    if distance == "rows":
        apart = kernel.distances_of_rows(apart)
    order = kernel.order_of_leaves(apart, _CODES[linkage])
    return kernel.bisect(np.ascontiguousarray(covariance), order), order.tolist()
