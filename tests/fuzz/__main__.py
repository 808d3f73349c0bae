"""`make fuzz CASES=10000`: ask a stack of its own, through nginx, what the OpenAPI document says can be asked.

What is found is printed as a curl line; the seed at the end repeats it.
"""

import argparse
import math
import random
import sys
import tempfile
from pathlib import Path

from gateway import openapi
from pipeline.settings import Settings
from tests.fuzz.stack import Asked


def main() -> int:
    """The exit code: 0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="how many requests, at least")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    operations = sum(len(methods) for methods in openapi.document(Settings())["paths"].values())
    each = math.ceil(asked.cases / operations)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, Asked(Path(folder)) as stack:
        options = ("--max-examples", str(each), "--seed", str(asked.seed))
        said = stack.by_schemathesis(*options, limit_s=24 * 3600)
        print(said.stdout, said.stderr)
        broken = stack.broken()
    for line in broken:
        print(line)
    return 1 if said.returncode or broken else 0


if __name__ == "__main__":
    sys.exit(main())
