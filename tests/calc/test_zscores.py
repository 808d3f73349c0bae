"""The command that judges standard errors works, and sees an error that is none."""

import dataclasses
import math
from typing import Any

import pytest

from calc import KINDS, execute
from tests.calc import zscores
from tests.calc.zscore_questions import QUESTIONS

FEW = 24  # seeds: the r.m.s. of honest scores is then within 0.6 and 1.5 in all but one of 10,000 cases


def test_every_kind_that_simulates_is_asked() -> None:
    simulating = {name for name in KINDS if "seed" in execute.schema(name)["properties"]}
    assert {question.kind for question in QUESTIONS} == simulating | {"var_historical"}


def test_an_honest_error_is_called_so() -> None:
    told: list[str] = []
    assert zscores.main([str(FEW), "credit_loss"], told.append) == 0
    assert told[-1] == "Every error is honest."
    assert {line.split()[0] for line in told[2:-1]} == {"credit_loss"}


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_an_error_that_is_too_small_or_too_large_is_seen(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    errors_of = zscores.errors_of

    def wrong(answer: Any) -> dict[str, float]:
        return {path: factor * error for path, error in errors_of(answer).items()}

    monkeypatch.setattr(zscores, "errors_of", wrong)
    (question,) = [each for each in QUESTIONS if each.name == "parametric"]
    rows = list(zscores.rows(question, FEW))
    assert [row.figure for row in rows] == ["es", "var"]
    assert not any(row.honest for row in rows)


def test_scores_are_about_the_truth_where_it_is_known() -> None:
    """One standard error added to every answer: the mean of z moves by one, unless it is taken about their own mean."""
    question = next(each for each in QUESTIONS if each.kind == "var_historical")
    truth = question.truth({}) if question.truth else {}
    row = next(row for row in zscores.rows(question, FEW) if row.figure == "var")
    assert (row.against, row.least) == ("closed form", row.most)
    own = next(row for row in zscores.rows(dataclasses.replace(question, truth=None), FEW) if row.figure == "var")
    assert own.against == "own mean"
    assert abs(own.bias) < abs(row.bias) < 4 / math.sqrt(FEW)
    assert truth["es"] == pytest.approx(math.exp(-(truth["var"] ** 2) / 2) / math.sqrt(2 * math.pi) / 0.05, rel=1e-12)
