"""After a warm start no question of the catalogue finds a kernel that is not there."""

import subprocess
import sys
from pathlib import Path


def test_the_examples_load_every_kernel() -> None:
    """In a process of its own, since here other tests have loaded kernels already."""
    command = [sys.executable, "-m", "tests.calc.first_use"]
    root = Path(__file__).parents[2]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, ""), f"{said.stdout}{said.stderr}\nadd them to FURTHER_EXAMPLES"
