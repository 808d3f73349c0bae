"""A processor with AVX-512 and one with AVX2 alone: the same bits. Code for the second is made by the first's flags."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from calc.kernels import elementary, lanes, philox, sobol

ROOT = Path(__file__).parent.parent.parent.parent
AVX2 = {
    "NUMBA_CPU_NAME": "x86-64-v3",
    "NUMBA_CPU_FEATURES": "",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
}


def digest() -> str:
    """SHA-256 of what every function of the foundation gives."""
    x, u = philox.normals(42, 1, 2, 10_007), philox.uniforms(42, 1, 3, 10_007)
    arrays = [
        x,
        u,
        elementary.exp_of(30 * x),
        elementary.log_of(u),
        elementary.norm_cdf_of(5 * x),
        elementary.norm_ppf_of(u),
        sobol.points(42, 3, 100, 1003, 17),
        np.array([lanes.sum8(x), lanes.dot8(x, u)]),
        np.array([f(each) for f in (elementary.expm1, elementary.log1p, elementary.norm_log_cdf) for each in u[:500]]),
    ]
    return hashlib.sha256(b"".join(each.tobytes() for each in arrays)).hexdigest()


def test_code_for_another_processor_gives_the_same_bits(tmp_path: Path) -> None:
    environment = {**os.environ, **AVX2, "NUMBA_CACHE_DIR": str(tmp_path)}
    program = "from tests.calc.kernels.test_same_bits import digest; print(digest())"
    other = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == digest()
