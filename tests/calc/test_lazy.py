"""A module is executed at the first look into it, and is then the one that everybody has."""

import subprocess
import sys
from pathlib import Path

import pytest

from calc import lazy

PROGRAM = """
import sys
from calc import lazy
found = lazy.module("somewhere.slow")
assert lazy.module("somewhere.slow") is found is sys.modules["somewhere.slow"]
print("before")
print(found.NUMBER)
from somewhere import slow
assert slow is found
"""


def test_it_is_executed_at_the_first_look(tmp_path: Path) -> None:
    package = tmp_path / "somewhere"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "slow.py").write_text("print('executed')\nNUMBER = 7\n")
    path = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parent.parent.parent}"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["before", "executed", "7"]


def test_what_is_loaded_is_given_as_it_is() -> None:
    assert lazy.module("pytest") is pytest


def test_what_is_not_there_is_told_at_once() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"calc\.nowhere"):
        lazy.module("calc.nowhere")
