"""What the command prints: a table on a terminal, a JSON object a line elsewhere."""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class Printer:
    """Prints records, as people or as programs read them."""

    def __init__(self, as_json: bool) -> None:
        self.human = sys.stdout.isatty() and not as_json

    def rows(self, columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> None:
        """A line each: the named fields of it (`progress.fraction`), or all as JSON."""
        if not self.human:
            for record in records:
                self.line(record)
            return
        cells = [columns, *([_cell(_at(record, column)) for column in columns] for record in records)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        width = shutil.get_terminal_size().columns
        for row in cells:
            text = "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True))
            sys.stdout.write(text[:width].rstrip() + "\n")

    def record(self, record: Mapping[str, Any]) -> None:
        """A line a field, or all as JSON."""
        if not self.human:
            self.line(record)
            return
        for name, value in record.items():
            sys.stdout.write(f"{_cell(name):20} {_cell(value)}\n")

    def words(self, text: str) -> None:
        """A line for people."""
        print(_cell(text), flush=True)

    def line(self, record: Mapping[str, Any]) -> None:
        """One JSON object, at once."""
        sys.stdout.write(json.dumps(record, ensure_ascii=False, default=float) + "\n")
        sys.stdout.flush()


def _at(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _cell(value: Any) -> str:
    """As text of one line: what others have written cannot steer the terminal."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, default=float)
    return "".join(letter if letter.isprintable() else " " for letter in text)
