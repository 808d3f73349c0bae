"""The same question has the same bits as ever, on every processor; where they change, the kind's VERSION changes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calc import KINDS
from tests.calc.golden import EMULATED, FILE, cases, sha256

GOLDEN = json.loads(FILE.read_text())


@pytest.mark.parametrize(("case", "what"), cases().items(), ids=list(cases()))
def test_bits(case: str, what: tuple[str, dict[str, Any]]) -> None:
    assert sha256(*what) == GOLDEN[case], "other bits: a new VERSION, then `python -m tests.calc.golden write`"


def test_nothing_stale() -> None:
    assert GOLDEN.keys() == cases().keys()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the machine code for another processor is kept, from kind to kind."""
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_without_avx_512(compiled: Path, kind: str) -> None:
    """Another target of the compiler, other code paths of numpy and BLAS: in a process of its own, compiled anew."""
    environ = os.environ | EMULATED | {"NUMBA_CACHE_DIR": str(compiled)}
    command = [sys.executable, "-m", "tests.calc.golden", "check", kind]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout.strip()) == (0, ""), said.stderr
