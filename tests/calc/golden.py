"""The SHA-256 of results, by kind and version: `python -m tests.calc.golden write [KIND …]` and `… check [KIND …]`.

The same on every processor with AVX2 (numpy, numba and BLAS may use AVX-512 or not): a test runs `check` once more with
EMULATED, which makes all of them think that it is not there.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from calc import KINDS, execute

FILE = Path(__file__).with_suffix(".json")
EMULATED = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "NUMBA_CPU_NAME": "x86-64-v3",
}

# Beside its examples, what makes a kind go another way.
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "compound_interest": {"schedule": {"schedule": True, "years": 2.5, "rate": 0.0725}},
    "option_european": {
        "plain": {"method": "monte_carlo", "variance_reduction": "none", "paths": 20_001},
        "pairs": {
            "method": "monte_carlo",
            "variance_reduction": "antithetic_control",
            "paths": 50_000,
            "type": "put",
        },
        "target": {"method": "monte_carlo", "target_standard_error": 0.004, "paths": 10**9},
    },
    "var_mc": {
        "student_t": {"distribution": "student_t", "degrees_of_freedom": 4},
        "lognormal": {"distribution": "lognormal"},
        "target": {"target_standard_error": 3.0, "scenarios": 9_000_000},
    },
    "bond_book": {
        "book": {
            "maturity": [f"{2024 + year}-{month:02}-15" for year in range(1, 31) for month in (2, 6, 11)],
            "coupon": 0.0425,
            "price": [80.0 + 0.5 * row for row in range(90)],
            "face": [1000.0 + row for row in range(90)],
        }
    },
    "var_historical": {
        "losses": {"losses": [1.5, -2.0, 3.25, 0.1] * 5} | dict.fromkeys(("returns", "symbols", "positions"))
    },
}


def cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name of the case (kind, version, which) → kind and data."""
    found = {}
    for name, kind in KINDS.items():
        examples: dict[str, Any] = {"example": kind.EXAMPLE}
        for number, more in enumerate(getattr(kind, "FURTHER_EXAMPLES", ()), 2):
            examples[f"example {number}"] = more
        for which, change in CHANGES.get(name, {}).items():
            examples[which] = {**kind.EXAMPLE, **change}
        for which, data in examples.items():
            found[f"{name} {kind.VERSION} {which}"] = (name, data)
    return found


def sha256(kind: str, data: dict[str, Any]) -> str:
    """Of the result's text."""
    planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    return hashlib.sha256(execute.execute(kind, planned.data)).hexdigest()


def main(words: list[str]) -> int:
    """Write the hashes, or print those that differ; the exit code."""
    kinds = words[1:] or [*KINDS]
    all_cases = cases()
    made = {case: sha256(*what) for case, what in all_cases.items() if what[0] in kinds}
    known = json.loads(FILE.read_text())
    if words[:1] == ["write"]:
        kept = {case: made.get(case) or known[case] for case in all_cases if case in made or case in known}
        FILE.write_text(json.dumps(kept, indent=2) + "\n")
        return 0
    known = {case: told for case, told in known.items() if case.partition(" ")[0] in kinds}
    wrong = sorted(case for case in known.keys() | made.keys() if known.get(case) != made.get(case))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
