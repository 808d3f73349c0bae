"""The SHA-256 of results, by kind and version: `python -m tests.calc.golden` writes those of this processor.

Provisional: these first versions may still change their bits. numpy computes exponentials with other bits where the
processor has AVX-512 (numpy calls the class X86_V4), so a hash is kept for each class. To write both on a machine
that has it, run once as it is and once with NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR".
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from numpy._core._multiarray_umath import __cpu_features__ as features

from calc import KINDS, execute

FILE = Path(__file__).with_suffix(".json")
PROCESSOR = "x86_v4" if features.get("X86_V4") else "other"

# Beside its example, what makes a kind go another way.
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "compound_interest": {"schedule": {"schedule": True, "years": 2.5, "rate": 0.0725}},
    "option_european": {
        "plain": {"variance_reduction": "none", "paths": 20_001},
        "pairs": {"variance_reduction": "antithetic_control", "paths": 50_000, "type": "put"},
        "target": {"target_standard_error": 0.004, "paths": 10**9},
        "many_parts": {"paths": 40_000_000},
    },
    "var_mc": {
        "student_t": {"distribution": "student_t", "degrees_of_freedom": 4},
        "lognormal": {"distribution": "lognormal"},
        "target": {"target_standard_error": 3.0, "scenarios": 9_000_000},
    },
    "var_historical": {
        "losses": {"losses": [1.5, -2.0, 3.25, 0.1] * 5} | dict.fromkeys(("returns", "symbols", "positions"))
    },
}


def cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name of the case (kind, version, which) → kind and data."""
    found = {}
    for name, kind in KINDS.items():
        for which, change in {"example": {}, **CHANGES.get(name, {})}.items():
            found[f"{name} {kind.VERSION} {which}"] = (name, {**kind.EXAMPLE, **change})
    return found


def sha256(kind: str, data: dict[str, Any]) -> str:
    """Of the result's text."""
    planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    return hashlib.sha256(execute.execute(kind, planned.data)).hexdigest()


def main() -> None:
    """Write the hashes of this processor's class, and leave those of the other."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    written = {case: {**known.get(case, {}), PROCESSOR: sha256(*what)} for case, what in cases().items()}
    FILE.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
