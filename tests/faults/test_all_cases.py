"""Each of B01–B90 has a test that names it in its docstring, or one line in elsewhere.py: and not both."""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.faults.elsewhere import ELSEWHERE

TESTS = Path(__file__).parents[1]
CASES = range(1, 91)


def named(folder: Path) -> dict[int, list[str]]:
    """Number of a case → the tests under a folder whose docstrings name it."""
    found: dict[int, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for number in re.findall(r"\bB(\d\d)\b", ast.get_docstring(node) or ""):
                    found.setdefault(int(number), []).append(f"{path.relative_to(folder)}::{node.name}")
    return found


def wrong(tests: Mapping[int, Iterable[str]], reasons: Mapping[int, str]) -> list[str]:
    """What keeps the count from being right."""
    lines = [f"B{n:02d} has no test and no reason" for n in CASES if n not in tests and n not in reasons]
    lines += [f"B{n:02d} has a reason and a test, {next(iter(tests[n]))}" for n in reasons if n in tests]
    lines += [f"B{n:02d} is no case" for n in sorted({*tests, *reasons} - set(CASES))]
    return lines + [f"B{n:02d} has an empty reason" for n, reason in reasons.items() if not reason.strip()]


def test_each_case_has_a_test_or_a_reason() -> None:
    assert wrong(named(TESTS), ELSEWHERE) == []


def test_a_case_that_is_missing_twice_or_unknown_is_told(tmp_path: Path) -> None:
    whole = "".join(f'def test_{n}() -> None:\n    """B{n:02d}: shown."""\n' for n in CASES)
    written = tmp_path / "test_some.py"
    written.write_text(whole)
    assert wrong(named(tmp_path), {}) == []
    written.write_text(whole.replace("B46", "").replace("B47", ""))
    assert wrong(named(tmp_path), {}) == ["B46 has no test and no reason", "B47 has no test and no reason"]
    assert wrong(named(tmp_path), {46: "Elsewhere.", 47: " "}) == ["B47 has an empty reason"]
    written.write_text(whole + 'def test_more() -> None:\n    """B91."""\n')
    assert wrong(named(tmp_path), {3: "Elsewhere."}) == [
        "B03 has a reason and a test, test_some.py::test_3",
        "B91 is no case",
    ]


def test_a_number_counts_in_a_tests_docstring_only(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text('"""B01."""\ndef helper() -> None:\n    """B02."""\n# B03\n')
    (tmp_path / "some.py").write_text('def test_it() -> None:\n    """B04."""\n')
    assert named(tmp_path) == {}
