"""Random streams named by (seed, block).

A block's numbers depend on its name alone, so it gives the same bits in any process, at any time, in any order.
The Philox generator (Salmon et al. 2011, *Parallel random numbers: as easy as 1, 2, 3*) has the seed for key, and
the block in the third word of its counter: a stream would have to draw 2^130 numbers to run into the next.
"""

import numpy as np


def stream(seed: int, block: int) -> np.random.Generator:
    """The generator of one block. Numpy may change its normals between versions: the lock pins it."""
    return np.random.Generator(np.random.Philox(key=seed, counter=(0, 0, block, 0)))
