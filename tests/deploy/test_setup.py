"""`deploy/setup.sh`: the messages when Python is not right, and that a second call does nothing."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.stack import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with just what setup.sh needs."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "deploy" / "setup.sh", tmp_path / "deploy")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "calc" / "kernels").mkdir(parents=True)
    (tmp_path / "calc" / "kernels" / "jit.py").write_text("")
    (tmp_path / "calc" / "kinds").mkdir()
    (tmp_path / "calc" / "kinds" / "loan.py").write_text("")
    return tmp_path


def setup(checkout: Path, python: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{checkout}/bin:/usr/bin:/bin", "HEADRACE_PYTHON": python}
    command = ["sh", "deploy/setup.sh", "run"]
    return subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)


def write_program(checkout: Path, name: str, text: str) -> None:
    program = checkout / "bin" / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(stat.S_IRWXU)


FAKE = """case "$1 $2" in
"-m venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
"-m pip") echo x >>pips;;
*) echo 3.12.0;;
esac"""
OLD = 'case "$2" in *exit*) exit 1;; *) echo 3.9.2;; esac'


def test_an_old_python_is_named_with_a_newer_one_that_was_found(checkout: Path) -> None:
    write_program(checkout, "python-old", OLD)
    write_program(checkout, "python3.13", f'exec {sys.executable} "$@"')
    ended = setup(checkout, "python-old")
    assert ended.returncode == 4
    assert ended.stderr.splitlines() == [
        'Headrace needs Python 3.11 or newer; this is 3.9.2 (the "python-old" on your PATH).',
        "Found python3.13 as well.",
        "Use it:  make up HEADRACE_PYTHON=python3.13",
    ]


def test_no_python_at_all(checkout: Path) -> None:
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        write_program(checkout, name, OLD)
    ended = setup(checkout, "python-none")
    assert ended.returncode == 4
    what, why, todo = ended.stderr.splitlines()
    assert what == 'Headrace needs Python 3.11 or newer; there is no "python-none" that runs on your PATH.'
    assert why.endswith("found none.")
    assert todo.startswith("Install one")


def test_a_python_without_venv_is_told_what_to_install(checkout: Path) -> None:
    write_program(checkout, "python-bare", f'[ "$2" = venv ] && exit 1; exec {sys.executable} "$@"')
    ended = setup(checkout, "python-bare")
    assert ended.returncode == 4
    assert ended.stderr.splitlines()[-1].startswith("Install it (Debian: sudo apt-get install python3-venv)")
    assert not (checkout / ".venv").exists(), "nothing half-made stays"


def test_a_second_call_does_nothing_and_a_changed_lock_does(checkout: Path) -> None:
    """pip is played by a program that notes its calls: that the real one installs, `make test` itself shows."""
    write_program(checkout, "python-fake", FAKE)
    assert setup(checkout, "python-fake").returncode == 0
    second = setup(checkout, "python-fake")
    assert (second.returncode, second.stdout) == (0, "")
    assert (checkout / "pips").read_text() == "x\n"

    with (checkout / "requirements" / "run.txt").open("a") as lock:
        lock.write("# changed\n")
    assert "Installing" in setup(checkout, "python-fake").stdout
    assert (checkout / "pips").read_text() == "x\nx\n"


def test_the_environment_of_this_test_was_made_with_the_lock() -> None:
    assert os.path.realpath(sys.prefix) != os.path.realpath(sys.base_prefix)
