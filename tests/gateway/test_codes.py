"""Every code that the source can give is explained, what is explained can be given, and each is given in a test."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateway.codes import CODES, PROXY_CODES, TASK_ERRORS
from gateway.finer_codes import FIELD_FAULTS, REFUSALS

ROOT = Path(__file__).parent.parent.parent
# Who takes a code, and at which place of its arguments; by name it is `code` everywhere.
PLACES = {"Problem": 0, "invalid": 1, "CalcError": 1, "Wrong": 2, "Fault": 4, "_add": 4}
FIELDS = {"Wrong", "Fault", "_add", ""}
CODE = re.compile(r"[a-z]+(_[a-z]+)*")
OF_LETTERS = {"stray"}  # the cause of a letter that belongs to no task (docs/architecture.md)


def given(room: str, *names: str) -> set[str]:
    """The codes that are spelt out where one of these is called ("": where something is called `code`)."""
    spelt = (value for node in nodes(room) for name, value in _codes(node) if name in names)
    return {each.value for value in spelt for each in ast.walk(value) if _is_code(each)}  # type: ignore[attr-defined]


@cache
def nodes(room: str) -> list[ast.AST]:
    """All that stands in a room, but in the tables of codes themselves."""
    tables = ("codes.py", "finer_codes.py", "openapi_examples.py", "openapi.py")
    files = [path for path in sorted((ROOT / room).rglob("*.py")) if path.name not in tables]
    return [node for path in files for node in ast.walk(ast.parse(path.read_text()))]


def _codes(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Call():
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in PLACES:
                yield from ((name, value) for value in node.args[PLACES[name] : PLACES[name] + 1])
            yield from ((name, keyword.value) for keyword in node.keywords if keyword.arg == "code")
        case ast.Assign(targets=[target]) if "code" in re.findall(r"\w+", ast.unparse(target)):
            yield "", node.value
        case ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value):
            yield "", value
        case ast.Dict():
            named = zip(node.keys, node.values, strict=True)
            yield from (("{}", value) for key, value in named if isinstance(key, ast.Constant) and key.value == "code")


def _is_code(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value) is not None


def test_what_a_kind_refuses_with_is_explained() -> None:
    assert given("calc", "CalcError") == set(REFUSALS)


def test_what_is_wrong_with_a_field_is_explained() -> None:
    found = given("calc", *FIELDS) | given("gateway", "Fault")
    assert found - {"invalid_data", "unknown_kind", "refused"} == set(FIELD_FAULTS), (
        "but those of the errors as a whole"
    )


def test_what_an_answer_says_no_with_is_explained() -> None:
    assert given("gateway", "Problem", "invalid") <= set(CODES)
    words = {each.value for each in nodes("gateway") if _is_code(each)}  # type: ignore[attr-defined]
    assert set(CODES) - words - given("calc", "") == set(), "what nobody says needs no words"


def test_why_a_task_can_fail_is_explained() -> None:
    scripts = "".join(path.read_text() for path in (ROOT / "pipeline" / "scripts").rglob("*.lua"))
    found = given("consumer", "{}") | set(re.findall(r"\bcode = '(\w+)'", scripts))
    assert found - OF_LETTERS == set(TASK_ERRORS)


def test_each_is_given_in_a_test() -> None:
    """Beside this one and the examples, which list them."""
    lists = ("test_codes.py", "test_examples.py")
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py") if path.name not in lists)
    every = (*CODES, *PROXY_CODES, *TASK_ERRORS, *REFUSALS, *FIELD_FAULTS)
    assert [code for code in every if f'"{code}"' not in tests] == []
