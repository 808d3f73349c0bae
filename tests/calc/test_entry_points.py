"""Outside kinds: an installed package with an entry point adds a kind, and what goes wrong in it stays there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "examples" / "kind_package"


def install(folder: Path, *points: str) -> None:
    """What an installer leaves: the package's metadata, with its entry points."""
    about = folder / "headrace_lattice-1.0.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: headrace-lattice\nVersion: 1.0.0\n")
    (about / "entry_points.txt").write_text("[headrace.kinds]\n" + "\n".join(points) + "\n")


def calc(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that finds what is installed in this folder."""
    path = os.pathsep.join(map(str, (folder, PACKAGE, ROOT)))
    command = [sys.executable, "-c", "from calc import execute\nexecute.load_installed()\n" + code]
    return subprocess.run(
        command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=60, check=False
    )


def test_its_entry_point_is_the_one_of_the_example() -> None:
    text = (PACKAGE / "pyproject.toml").read_text()
    assert '[project.entry-points."headrace.kinds"]\noption_lattice = "headrace_lattice.option_lattice"' in text


def test_an_installed_kind_answers(tmp_path: Path) -> None:
    """LS-1: the American put of Longstaff and Schwartz (2001), 4.486674419 with continuous exercise."""
    install(tmp_path, "option_lattice = headrace_lattice.option_lattice")
    code = """
import json
kind = execute.find("option_lattice")
planned = execute.plan("option_lattice", json.dumps(kind.EXAMPLE).encode(), fresh_seed=1)
print(execute.execute("option_lattice", planned.data).decode())
"""
    said = calc(tmp_path, code)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["price"] == pytest.approx(4.486674419, abs=2e-3)


def test_what_it_refuses_is_a_refusal(tmp_path: Path) -> None:
    """QuantLib's lattice has no probabilities where a step's drift is larger than its spread."""
    install(tmp_path, "option_lattice = headrace_lattice.option_lattice")
    code = """
import json
from calc.errors import CalcError
kind = execute.find("option_lattice")
data = kind.EXAMPLE | {"volatility": 0.001, "rate": 0.5, "lattice": "cox_ross_rubinstein", "steps": 3}
try:
    execute.execute("option_lattice", execute.plan("option_lattice", json.dumps(data).encode(), fresh_seed=1).data)
except CalcError as wrong:
    print(wrong.message)
"""
    said = calc(tmp_path, code)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("QuantLib refuses: ")


@pytest.mark.parametrize(
    ("point", "says"),
    [
        ("bad = json", "bad = json is not a kind: it has no ALIASES, Accumulator"),
        ("gone = no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_what_is_no_kind_stops_the_start(tmp_path: Path, point: str, says: str) -> None:
    install(tmp_path, point)
    said = calc(tmp_path, "")
    assert said.returncode == 1
    assert says in said.stderr
