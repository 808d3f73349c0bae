"""The OpenAPI document and the running stack say the same: schemathesis finds nothing. The long run is `make fuzz`."""

import re

from tests.fuzz.stack import Asked

SEED = "1"  # the same requests each time: new ones are for `make fuzz`, which prints its seed
SECONDS = 20  # of thirty thousand edges of values, those for which there is time
LIMIT_S = 300.0


def _generated(said: str) -> int:
    found = re.search(r"(\d+) generated, \1 passed", said)
    assert found, said[-2_000:]
    return int(found[1])


def test_schemathesis_finds_nothing_by_chance_or_by_links(stack: Asked) -> None:
    """All checks, through nginx, right and wrong requests; each operation is asked, and what an answer leads to."""
    said = stack.by_schemathesis(
        *("--phases", "fuzzing,stateful", "--max-examples", "2", "--seed", SEED, "--no-shrink"), limit_s=LIMIT_S
    )
    assert said.returncode == 0, said.stdout[-20_000:] + said.stderr
    there = re.search(r"Selected: (\d+)/(\d+)\n\s+Tested: (\d+)", said.stdout)
    assert there, said.stdout[-2_000:]
    assert len(set(there.groups())) == 1, there[0]
    assert _generated(said.stdout) > 100
    assert stack.broken() == []


def test_schemathesis_finds_nothing_at_the_edges(stack: Asked) -> None:
    """The smallest, the longest, the missing and the wrong of every field, as far as time goes."""
    said = stack.by_schemathesis(
        *("--phases", "coverage", "--max-time", str(SECONDS), "--seed", SEED, "--no-shrink"), limit_s=LIMIT_S
    )
    assert said.returncode == 0, said.stdout[-20_000:] + said.stderr
    assert _generated(said.stdout) > 10
    assert stack.broken() == []
