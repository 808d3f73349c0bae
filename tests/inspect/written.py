"""What the code can write into the logs, read from its text: every event, and every field that goes with it.

`log.get().info("event", field=…)`, `LOG.…`, `self._log.…`, `write_line(service, level, "event", field=…)`,
and nginx' log format. (The Structs of the hot paths and the audit's lines tell their fields themselves.)
"""

import ast
import re
from collections.abc import Iterator

from deploy.stack import ROOT

LEVELS = {"debug", "info", "warning", "error", "exception"}
# Of calls: what says how the line is made, not what stands in it.
NO_FIELDS = {"exc_info"}
ROOMS = ("gateway", "consumer", "webhooks", "pipeline", "deploy")


def written() -> Iterator[tuple[str, str, set[str]]]:
    """File, event and fields of each place that writes a line."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text())
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _in(function, str(path.relative_to(ROOT)))


def _in(function: ast.FunctionDef | ast.AsyncFunctionDef, path: str) -> Iterator[tuple[str, str, set[str]]]:
    dicts = _dicts(function)
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        event = _event(node)
        if event:
            yield path, event, _fields(node, dicts)


def _event(call: ast.Call) -> str:
    """The event that a call writes; "" for any other call."""
    function = call.func
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    if name == "write_line":
        words = call.args[2:3]
    elif (name in LEVELS and isinstance(function, ast.Attribute) and _is_logger(function.value)) or (
        name == "write" and isinstance(function, ast.Name)
    ):
        words = call.args[:1]
    else:
        return ""
    return _text(words[0]) if words else ""


def _text(word: ast.expr) -> str:
    if isinstance(word, ast.Constant) and isinstance(word.value, str):
        return word.value
    if isinstance(word, ast.JoinedStr):  # f"program.{state}"
        return "".join(str(piece.value) if isinstance(piece, ast.Constant) else "*" for piece in word.values)
    return ""


def _is_logger(value: ast.expr) -> bool:
    return ast.unparse(value) in ("LOG", "self._log", "log.get()")


def _dicts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, set[str]]:
    """Names of dicts in a function → the keys that are put into them."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                found.setdefault(target.id, set()).update(_keys(node.value))
    return found


def _keys(value: ast.expr) -> set[str]:
    """The keys of every dict that is spelt in an expression."""
    return {
        key.value
        for node in ast.walk(value)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _fields(call: ast.Call, dicts: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg:
            found.add(keyword.arg)
        elif isinstance(keyword.value, ast.Name):
            assert dicts.get(keyword.value.id), f"{ast.unparse(call)}: nobody can read what **{keyword.value.id} holds"
            found |= dicts[keyword.value.id]
    return found - NO_FIELDS | ({"exception"} if found & NO_FIELDS or _is_exception(call) else set())


def _is_exception(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "exception"


def nginx_fields() -> set[str]:
    """The fields of nginx' log format."""
    template = (ROOT / "nginx" / "nginx.conf.template").read_text()
    log_format = re.search(r"log_format access escape=json\n(.*?);\n", template, re.DOTALL)
    assert log_format
    return set(re.findall(r'"(\w+)":', log_format[1]))
