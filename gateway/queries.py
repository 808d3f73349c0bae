"""What may stand after the `?`: each parameter once, none unknown, each with a value that is allowed.

A parameter that we would silently ignore is a question answered wrongly: `?stat=failed` must not list everything.
"""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from starlette.requests import Request

from calc.errors import Fault
from gateway.problems import Problem, invalid

LIMIT, MOST = 50, 200
_NUMBER = re.compile(r"[0-9]{1,9}")
# Of an entry of Redis: its time in ms, never 0, and its place in that ms. A cursor of the list, too.
LETTER_ID = re.compile(r"^[1-9][0-9]{0,14}-(0|[1-9][0-9]{0,14})$")
TASK_ID = re.compile(r"^[0-9A-HJKMNP-TV-Z]{26}$")  # a cursor, too: the page ends at that task


def only(request: Request, allowed: Sequence[str]) -> dict[str, str]:
    """The parameters, each once. Raises a Problem that lists all that are unknown or repeated."""
    return {name: values[0] for name, values in lists(request, allowed).items()}


def lists(
    request: Request,
    once: Sequence[str],
    often: Sequence[str] = (),
    is_often: Callable[[str], bool] = lambda _: False,
    such_as: Sequence[str] = (),
) -> dict[str, list[str]]:
    """The parameters with their values: those of `once` once; those of `often`, and of which `is_often` says so, any
    number of times (`such_as` names these for whoever is refused). Raises a Problem with all that are unknown or
    repeated."""
    if not request.scope["query_string"]:
        return {}
    found: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        found.setdefault(name, []).append(value)
    allowed = (*often, *once)
    faults = []
    for name, values in found.items():
        if name in often or is_often(name):
            continue
        if name not in once:
            meant = did_you_mean(get_close_matches(name, allowed, 1))
            says = ", ".join((*allowed, *such_as)) or "no parameters"
            faults.append(Fault(f"?{name[:40]}", f"is not a parameter here.{meant}", allowed=says))
        elif len(values) > 1:
            faults.append(Fault(f"?{name}", "stands there more than once", allowed=f"one {name}"))
    if faults:
        raise invalid(faults, "invalid_query")
    return found


def is_letter_id(text: str) -> bool:
    """Whether a dead letter could have this id."""
    return text.isascii() and LETTER_ID.fullmatch(text) is not None


def flag(sent: dict[str, str], name: str) -> bool:
    """A parameter that is `true` or `false`; false where it is absent."""
    return choice(sent, name, ("false", "true")) == "true"


def choice(sent: dict[str, str], name: str, allowed: Sequence[str]) -> str:
    """A parameter that is one of some words; the first where it is absent."""
    value = sent.get(name, allowed[0])
    if value not in allowed:
        raise wrong(name, value, ", ".join(allowed), get_close_matches(value, allowed, 1))
    return value


def text(sent: dict[str, str], name: str, longest: int) -> str:
    """A parameter that may say anything, but not at any length; "" where it is absent."""
    value = sent.get(name, "")
    if len(value) > longest:
        raise wrong(name, value, f"at most {longest} characters")
    return value


def number(sent: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    """A parameter that is a whole number within bounds."""
    value = sent.get(name, str(default))
    if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
        raise wrong(name, value, f"{least} to {most}")
    return int(value)


def wrong(name: str, value: str, allowed: str, nearest: Sequence[str] = ()) -> Problem:
    """The Problem of a parameter whose value is not allowed."""
    return invalid([fault(f"?{name}", value, allowed, nearest)], "invalid_query")


def wrong_field(path: str, value: str, allowed: str) -> Problem:
    """The Problem of a field of a body whose value is not allowed."""
    return invalid([Fault(path, "is not allowed", value, allowed)], "invalid_request")


def fault(path: str, value: str, allowed: str, nearest: Sequence[str] = ()) -> Fault:
    """A value that is not allowed, and what is; the nearest word, where one was meant."""
    return Fault(path, f"is not allowed.{did_you_mean(nearest)}", value, allowed)


def did_you_mean(nearest: Sequence[str]) -> str:
    """The question for the first of these words; "" for none."""
    return f" Did you mean {nearest[0]}?" if nearest else ""
