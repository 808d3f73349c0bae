"""The cases of tests/refs/*.json, and how far an answer may be from what is expected (README.md)."""

import json
from pathlib import Path
from typing import Any

CASES: list[dict[str, Any]] = [
    case for file in sorted(Path(__file__).parent.glob("*.json")) for case in json.loads(file.read_text())
]
WITHIN = 4.0  # standard errors


def is_simulated(case: dict[str, Any]) -> bool:
    """Whether it is asked with several seeds."""
    return "seeds" in case


def tolerance(case: dict[str, Any], answer: Any, path: str) -> float:
    """Absolute; "4se" is four standard errors, as the answer itself states them, of which none may be 0."""
    given = case["tolerance"].get(path, 1e-8 * abs(case["expected"][path]))
    return WITHIN * error(answer, path) if given == "4se" else float(given)


def scores(case: dict[str, Any], answer: Any) -> list[float]:
    """(answer - expected) / standard error of each figure whose tolerance is in standard errors."""
    return [
        (float(at(answer, path)) - value) / error(answer, path)
        for path, value in case["expected"].items()
        if case["tolerance"].get(path) == "4se"
    ]


def error(answer: Any, path: str) -> float:
    """The standard error that an answer states for a figure."""
    found = float(at(answer["standard_error"], path))
    if not found > 0:
        raise ValueError(f"{path} has a standard error of {found}")
    return found


def at(answer: Any, path: str) -> Any:
    """What stands under a path with dots."""
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return answer
