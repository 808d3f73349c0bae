"""What fits a kind's schema is planned, or refused with a reason, however odd. Nothing else is raised, or warned of."""

import random
from itertools import islice

import msgspec
import pytest

from calc import KINDS, execute
from calc.errors import CalcError
from tests.calc import edges

PAIRS = 300  # of two fields at an edge, a kind; drawn anew each time


@pytest.mark.parametrize("name", sorted(KINDS))
def test_odd_data_are_planned_or_refused(name: str, first_seed: int) -> None:
    schema, example = execute.schema(name), execute.find(name).EXAMPLE
    every = list(edges.data(schema, example, 1))
    pairs = edges.drawn(schema, example, random.Random(first_seed))
    planned = sum(_is_planned(name, data, first_seed) for data in [*every, *islice(pairs, PAIRS)])
    assert 0 < planned < len(every) + PAIRS


def _is_planned(name: str, data: dict[str, object], seed: int) -> bool:
    text = msgspec.json.encode(data)
    try:
        execute.plan(name, text, 7)
    except CalcError:
        return False
    except Exception as wrong:
        raise AssertionError(f"--seed {seed}: {name} breaks with {text.decode()}") from wrong
    return True
