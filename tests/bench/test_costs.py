"""The requests of bench/requests.py are legal, of every kind; `python -m bench.costs` tells how true estimates are."""

import json

import numpy as np
import pytest

from bench import costs
from bench.requests import REQUESTS
from calc import KINDS, execute


def test_every_kind_is_asked() -> None:
    assert sorted(REQUESTS) == sorted(KINDS)


@pytest.mark.parametrize("kind", sorted(REQUESTS))
def test_requests_are_legal(kind: str) -> None:
    random = np.random.default_rng(5)
    for _ in range(2):
        data = REQUESTS[kind](random)
        assert execute.plan(kind, json.dumps(data).encode(), fresh_seed=1).cpu_s > 0


def test_it_measures_and_judges(capsys: pytest.CaptureFixture[str]) -> None:
    tried = costs.sample("compound_interest", 2, seed=3)
    assert all(each.measured_s > 0 for each in tried)
    right = costs.Tried({"years": 1.5, "rows": [1] * 9}, estimated_s=1.0, measured_s=0.6)
    wrong = costs.Tried({}, estimated_s=1.0, measured_s=0.4)
    assert costs.tell("compound_interest", [right] * 9 + [wrong], every=True)
    assert not costs.tell("compound_interest", [right] * 8 + [wrong], every=False)
    told = capsys.readouterr().out
    assert "90%" in told
    assert "MISSED" in told
    assert "years: 1.5, rows: [9]" in told


def test_an_unknown_kind_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        costs.main(["nonsense"])
    assert "no such kind: nonsense" in capsys.readouterr().err
