"""`make bench`: a subset in some minutes; `make bench-full`: everything, with up to a million tasks.

`python -m bench spin trips` runs only those, `python -m bench --full backlog` with its largest numbers. The figures
also go to var/bench.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from bench import (
    backlog,
    behind,
    bytes_held,
    crash,
    crowded,
    fleet,
    floor,
    kinds,
    listing,
    memory,
    over_http,
    parts,
    recovery,
    screens,
    spin,
    submitting,
    tabs,
    throughput,
    trips,
    up,
)
from bench.table import Table
from deploy.stack import ROOT

BENCHMARKS: dict[str, Callable[[], Table]] = {
    "throughput": throughput.measure,
    "trips": trips.measure,
    "floor": floor.measure,
    "submit": submitting.measure,
    "http": over_http.measure,
    "crowded": crowded.measure,
    "spin": spin.measure,
    "parts": parts.measure,
    "backlog": backlog.measure,
    "listing": listing.measure,
    "screens": screens.measure,
    "tabs": tabs.measure,
    "up": up.measure,
    "fleet": fleet.measure,
    "memory": memory.measure,
    "bytes": bytes_held.measure,
    "recovery": recovery.measure,
    "crash": crash.measure,
    "kinds": kinds.measure,
    "behind": behind.measure,
}
LONG = ("fleet", "memory", "bytes", "recovery", "crash", "kinds", "behind")  # left out of the subset
LARGEST: dict[str, Callable[[], Table]] = {
    "backlog": partial(backlog.measure, backlog.MANY),
    "listing": partial(listing.measure, listing.MANY),
    "behind": partial(behind.measure, behind.MANY),
}


def main(words: Sequence[str]) -> int:
    """Run what is asked for, else the subset; the exit code."""
    unknown = set(words) - {*BENCHMARKS, "--full"}
    if unknown:
        print(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    for measure in chosen(words).values():
        table = measure()
        table.print()
        print(f"  → {table.save(ROOT / 'var' / 'bench').relative_to(ROOT)}", flush=True)
    return 0


def chosen(words: Sequence[str]) -> dict[str, Callable[[], Table]]:
    """What these words ask for, in their order."""
    full = "--full" in words
    known = BENCHMARKS | LARGEST if full else BENCHMARKS
    named = [word for word in words if word != "--full"]
    return {name: known[name] for name in named or known if named or full or name not in LONG}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
