"""Day counts by name, and dates as ordinals (1 January of year 1 is 1)."""

import re

NAMES = (
    "30/360_us",
    "30e/360",
    "30e/360_isda",
    "30/360_bond_basis",
    "act/act_icma",
    "act/act_isda",
    "act/365f",
    "act/360",
)
_AMBIGUOUS = {
    "30/360": "30/360_us, 30e/360, 30e/360_isda or 30/360_bond_basis",
    "act/act": "act/act_icma or act/act_isda",
    "act/365": "act/365f",
}
UNKNOWN = -1
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def code(name: str | None) -> int:
    """The number that the kernels know a day count by; UNKNOWN where there is none of that name."""
    return NAMES.index(name) if name in NAMES else UNKNOWN


def wrong(name: str) -> str:
    """What is wrong with a name, as the end of a sentence; "" where it is known."""
    if name in NAMES:
        return ""
    close = _AMBIGUOUS.get(name.lower().replace(" ", ""))
    return f"'{name[:40]}' is ambiguous: use {close}" if close else f"'{name[:40]}' is no day count"


def ordinal(date: str | None) -> int:
    """Of a date like 2024-01-31; 0 where it is none."""
    found = _DATE.fullmatch(date or "")
    if found is None:
        return 0
    year, month, day = map(int, found.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1] + (leap and month == 2):
        return 0
    before = year - 1
    days = 365 * before + before // 4 - before // 100 + before // 400
    return days + sum(_DAYS[: month - 1]) + (leap and month > 2) + day
