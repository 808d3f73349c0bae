"""The pages docs/kinds/*.md, made from the code: `python -m tests.docs.kinds` writes them, a test compares.

docstring of the kind's module ─▶ what it answers, formulas, source, refusals, accuracy, cost
schema of its Params           ─▶ inputs: type, unit, bounds, default
EXAMPLE, and what it answers   ─▶ an example that has been run
"""

import json
import textwrap
from pathlib import Path
from typing import Any

from calc import KINDS, execute
from calc.kind import Kind

FOLDER = Path(__file__).parent.parent.parent / "docs" / "kinds"
MOST_LINES = 60  # of an answer that is shown


def page(kind: Kind) -> str:
    """The page of a kind."""
    about = textwrap.dedent(getattr(kind, "__doc__", "") or "").strip()
    data = json.dumps(kind.EXAMPLE, indent=2)
    planned = execute.plan(kind.NAME, data.encode(), fresh_seed=1)
    answer = json.loads(execute.execute(kind.NAME, planned.data))
    aliases = f" Also called {', '.join(f'`{name}`' for name in kind.ALIASES)}." if kind.ALIASES else ""
    return "\n".join(
        [
            f"# `{kind.NAME}`, version {kind.VERSION}",
            "",
            f"{kind.SUMMARY}{aliases}",
            "",
            "```text",
            about,
            "```",
            "",
            "## Data",
            "",
            "| field | what | unit | allowed | default |",
            "| --- | --- | --- | --- | --- |",
            *_rows(execute.schema(kind.NAME)),
            "",
            "## An example",
            "",
            "POST /tasks with",
            "",
            "```json",
            json.dumps({"kind": kind.NAME, "data": kind.EXAMPLE}, indent=2),
            "```",
            "",
            f"answers ({planned.parts} part{'s' * (planned.parts > 1)}, about {planned.cpu_s:.2g} s of CPU):",
            "",
            "```json",
            _cut(json.dumps(answer, indent=2)),
            "```",
            "",
        ]
    )


def index() -> str:
    """The list of all kinds."""
    rows = [f"| [`{name}`]({name}.md) | {kind.SUMMARY} |" for name, kind in sorted(KINDS.items())]
    return "\n".join(["# The kinds of calculation", "", "| kind | what it answers |", "| --- | --- |", *rows, ""])


def pages() -> dict[str, str]:
    """File name → text, for all of them."""
    return {f"{name}.md": page(kind) for name, kind in KINDS.items()} | {"README.md": index()}


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


def _rows(schema: dict[str, Any]) -> list[str]:
    needed = schema.get("required", [])
    return [
        f"| `{name}` | {_cell(_about(each))} | {_cell(_found(each, 'x-unit'))} | {_cell(_allowed(each))} | "
        f"{'needed' if name in needed else _cell(_default(each))} |"
        for name, each in schema["properties"].items()
    ]


def _about(field: dict[str, Any]) -> str:
    return str(_found(field, "description") or _found(field, "title"))


def _found(field: dict[str, Any], key: str) -> Any:
    """Of the field, or of the first of its branches that has it."""
    branches = [field, *field.get("anyOf", [])]
    return next((branch[key] for branch in branches if key in branch), "")


def _allowed(field: dict[str, Any]) -> str:
    branches = [branch for branch in field.get("anyOf", [field]) if branch.get("type") != "null"]
    return " or ".join(_branch(branch) for branch in branches)


def _branch(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    counts = [
        f"{words} {field[key]}" for key, words in (("minItems", "at least"), ("maxItems", "at most")) if key in field
    ]
    return " ".join([str(field.get("type", "any")), *bounds, *counts])


def _default(field: dict[str, Any]) -> str:
    return json.dumps(field["default"]) if "default" in field else ""


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def _cut(text: str) -> str:
    lines = text.splitlines()
    return text if len(lines) <= MOST_LINES else "\n".join([*lines[:MOST_LINES], "…"])


if __name__ == "__main__":
    main()
