"""What hypothesis draws for the oracles."""

import math

from hypothesis import strategies as st


def log_uniform(least: float, most: float) -> st.SearchStrategy[float]:
    """Of every order of size alike; within the bounds, whatever rounding does to them."""
    return st.floats(math.log(least), math.log(most)).map(lambda drawn: min(max(math.exp(drawn), least), most))
