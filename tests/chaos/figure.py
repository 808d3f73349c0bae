"""A figure of the proof: what it is, what it came to, and the cases that make it wrong."""

from collections.abc import Iterable

from msgspec import Struct

SHOWN = 5  # examples of what went wrong
LONGEST = 600


class Figure(Struct, frozen=True):
    """A line of the table. Without `wrong` it is as it must be."""

    what: str
    value: str
    wrong: list[str] = []

    def text(self) -> str:
        """For people, with examples of what is wrong."""
        mark = "✖" if self.wrong else "✔"
        lines = [f"  {mark} {self.what:<58} {self.value}"]
        return "\n".join(lines + [f"      {each[:LONGEST]}" for each in self.wrong[:SHOWN]])


def none(what: str, wrong: Iterable[str]) -> Figure:
    """A figure that must be 0."""
    found = list(wrong)
    return Figure(what, str(len(found)), found)
