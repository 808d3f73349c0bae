"""`make bench`: every benchmark in turn; `python -m bench spin trips` only those. The figures also go to var/bench."""

import sys
from collections.abc import Callable, Sequence

from bench import bytes_held, crash, memory, over_http, recovery, spin, throughput, trips
from bench.table import Table
from deploy.stack import ROOT

BENCHMARKS: dict[str, Callable[[], Table]] = {
    "throughput": throughput.measure,
    "trips": trips.measure,
    "http": over_http.measure,
    "spin": spin.measure,
    "memory": memory.measure,
    "bytes": bytes_held.measure,
    "recovery": recovery.measure,
    "crash": crash.measure,
}


def main(asked: Sequence[str]) -> int:
    """Run what is asked for, else everything; the exit code."""
    unknown = set(asked) - set(BENCHMARKS)
    if unknown:
        print(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    for name in asked or BENCHMARKS:
        table = BENCHMARKS[name]()
        table.print()
        print(f"  → {table.save(ROOT / 'var' / 'bench').relative_to(ROOT)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
