"""Machine code is kept on disk, and is not used any more when a kernel that it holds has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from calc.kernels import jit

KERNELS = Path(jit.__file__).parent
PROGRAM = "from calc.kernels.outer import outer; print(outer(1.0), sum(outer.stats.cache_hits.values()))"
INNER = "from calc.kernels.jit import inline\n\n\n@inline\ndef inner(x: float) -> float:\n    return x + {number}\n"
OUTER = (
    "from calc.kernels.inner import inner\nfrom calc.kernels.jit import kernel\n\n\n"
    "@kernel\ndef outer(x: float) -> float:\n    return inner(x)\n"
)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house with two kernels in two files, the one within the other."""
    kernels = tmp_path / "calc" / "kernels"
    kernels.mkdir(parents=True)
    (tmp_path / "calc" / "__init__.py").write_text("")
    (kernels / "__init__.py").write_text("")
    shutil.copy(KERNELS / "jit.py", kernels)
    (kernels / "inner.py").write_text(INNER.format(number="1.0"))
    (kernels / "outer.py").write_text(OUTER)
    return tmp_path


def answer(house: Path) -> str:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(house / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=house, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_code_is_kept_and_renewed(house: Path) -> None:
    assert answer(house) == "2.0 0"
    assert answer(house) == "2.0 1"
    (house / "calc" / "kernels" / "inner.py").write_text(INNER.format(number="2.0"))
    assert answer(house) == "3.0 0"


def test_checks_for_nan_keep_their_sense() -> None:
    @jit.kernel
    def is_a_number(x: float) -> bool:
        return x == x

    assert is_a_number(1.0)
    assert not is_a_number(float("nan"))
