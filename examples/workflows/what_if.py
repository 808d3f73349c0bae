"""What if spot and volatility were others? A grid of option prices, filled in as the tasks end.

    python -m examples.workflows.what_if

All points share a seed: what differs between two of them is the option, and not the luck of the draw. In a notebook
`client.gather(batch).to_pandas()` is the same as a DataFrame.
"""

import sys
from collections.abc import Mapping

from headrace_client import Client, Item

BASE = {"type": "call", "strike": 105, "rate": 0.05, "maturity": 1, "paths": 20_000, "seed": 7}
SPOTS, VOLATILITIES = range(80, 121, 10), (0.1, 0.2, 0.3)
Point = tuple[int, float]


def main() -> int:
    """Submit the grid, show it twice: half filled, and whole."""
    found: dict[Point, Item] = {}
    with Client() as client:
        batch = client.grid("option_european", BASE, {"spot": SPOTS, "volatility": VOLATILITIES}, batch_label="what if")
        for item in client.as_completed(batch):
            found[item.data["spot"], item.data["volatility"]] = item
            if len(found) == len(batch.lines) // 2:
                print(f"After {len(found)} of {len(batch.lines)} points:\n{table(found)}\n")
    print(f"All of them:\n{table(found)}")
    widest = max(found, key=lambda point: error_of(found[point]))
    print(f"\nThe widest standard error is {error_of(found[widest]):.2g}, at spot {widest[0]}, volatility {widest[1]}.")
    return 0


def table(found: Mapping[Point, Item]) -> str:
    """Spots down, volatilities across; a dot where nothing is known yet."""
    head = "  spot" + "".join(f"{volatility:>10.0%}" for volatility in VOLATILITIES)
    return "\n".join([head, *(f"{spot:>6}" + "".join(cell(found, spot, v) for v in VOLATILITIES) for spot in SPOTS)])


def cell(found: Mapping[Point, Item], spot: int, volatility: float) -> str:
    """One price."""
    item = found.get((spot, volatility))
    return f"{item.result.price:>10.3f}" if item and not item.error else f"{'.':>10}"


def error_of(item: Item) -> float:
    """The standard error of a price; none where there is no price."""
    return 0.0 if item.error else float(item.result.standard_error["price"])


if __name__ == "__main__":
    sys.exit(main())
