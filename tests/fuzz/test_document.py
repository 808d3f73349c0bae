"""The OpenAPI document and the running stack say the same: schemathesis finds nothing. The long run is `make fuzz`."""

import re

from tests.fuzz.stack import Asked

SECONDS = 40
SEED = "1"  # the same requests each time: new ones are for `make fuzz`, which prints its seed


def test_schemathesis_finds_nothing(stack: Asked) -> None:
    """All checks, all phases, through nginx; each operation is asked."""
    options = ("--max-examples", "4", "--max-time", str(SECONDS), "--seed", SEED, "--no-shrink")
    said = stack.by_schemathesis(*options, limit_s=5 * SECONDS)
    assert said.returncode == 0, said.stdout[-20_000:] + said.stderr
    there = re.search(r"Selected: (\d+)/(\d+)\n\s+Tested: (\d+)", said.stdout)
    assert there, said.stdout[-2_000:]
    assert len(set(there.groups())) == 1, there[0]
    counted = re.search(r"(\d+) generated, (\d+) passed", said.stdout)
    assert counted, said.stdout[-2_000:]
    assert int(counted[2]) > 500
    assert stack.broken() == []
