"""Every night: the value at risk of each portfolio in a folder, as a CSV file. For cron.

    python -m examples.workflows.nightly_var books/ var-2026-11-25.csv --night 2026-11-25

A book is a JSON file with the data of `var_mc`. Started again for the same night it computes nothing twice: it finds
its batch by the key, and waits for what is missing. Exit codes: 0 all books are there; 1 some are not; 3 Headrace is
away.
"""

import argparse
import csv
import json
import sys
from datetime import date
from pathlib import Path

from headrace_client import Client, HeadraceError, Items

SEED = 20261125  # the same scenarios for all books: what differs is the books
COLUMNS = ("result.var", "result.es", "result.standard_error.var", "error", "task_id")


def main() -> int:
    """Submit, wait, write; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("books", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--night", default=date.today().isoformat())
    parser.add_argument("--patience", type=float, default=3600.0)
    args = parser.parse_args()
    books = sorted(args.books.glob("*.json"))
    try:
        with Client(patience_s=args.patience) as client:
            lines = [
                {"kind": "var_mc", "custom_id": book.stem, "priority": "low", "data": {"seed": SEED, **read(book)}}
                for book in books
            ]
            batch = client.batch(lines, label=f"nightly var {args.night}", idempotency_key=f"nightly-var-{args.night}")
            items = client.gather(batch, progress=True)
    except HeadraceError as wrong:
        print(wrong, file=sys.stderr)
        return 3
    write(items, args.out)
    print(items.summary())
    return 1 if items.errors() else 0


def read(book: Path) -> dict[str, object]:
    """The data of one book."""
    data: dict[str, object] = json.loads(book.read_text())
    return data


def write(items: Items, out: Path) -> None:
    """A row a book."""
    with out.open("w", newline="") as file:
        table = csv.DictWriter(file, ["custom_id", *COLUMNS], restval="", extrasaction="ignore")
        table.writeheader()
        table.writerows(items.rows())


if __name__ == "__main__":
    sys.exit(main())
