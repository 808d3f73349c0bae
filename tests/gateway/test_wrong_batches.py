"""Ten thousand lines that are all wrong: answered soon, in few words, and others are served meanwhile."""

import asyncio
import json
from typing import Any

import pytest

from calc import faults
from gateway import batch_lines, batch_tasks, bodies, problems, submission
from gateway.problems import Problem
from tests.gateway.house import House, problem
from tests.gateway.test_batches import GOOD, NDJSON, WRONG, accepted, lines

CALL = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": "3 %", "volatility": 0.2, "foo": 1}
GRID = {
    "kind": "option_european",
    "data": CALL,
    "grid": {"spot": [-n for n in range(100)], "volatility": ["x"] * 100},
}


def test_more_rejects_than_an_answer_lists(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are counted; what is right behind them is accepted, what msgspec alone would pass over is not."""
    monkeypatch.setattr(batch_tasks, "MOST_REJECTS", 5)

    async def story(h: House) -> None:
        doubtful = b'{"data": {"amount": 1, "amount": 1, "rate": 0.1}}'
        told = await accepted(h, lines(*[b"0"] * 9, GOOD, doubtful, *[text for text, _ in WRONG], GOOD))
        assert (told["accepted"], told["rejected_count"], len(told["rejected"])) == (2, 10 + len(WRONG), 5)
        batch = (await h.get(told["links"]["self"])).json()
        assert (batch["accepted"], batch["rejected"]) == (2, 10 + len(WRONG))

    house.tell(story)


@pytest.mark.parametrize("text", [text for text, _ in WRONG])
def test_what_is_certainly_wrong_is_no_task(text: bytes) -> None:
    """The quick look never says so of a line that the long one lets pass; of one that is wrong it need not."""
    assert not bodies.is_wrong(json.dumps(GOOD).encode())
    if bodies.is_wrong(text):
        with pytest.raises(Problem):
            submission.plan(bodies.envelope(text, bodies.Line))


@pytest.mark.parametrize("atomic", ["false", "true"])
def test_a_grid_that_is_all_wrong(house: House, monkeypatch: pytest.MonkeyPatch, atomic: str) -> None:
    """Only so many of its points are walked through; others are answered while they are; the rest is counted."""
    monkeypatch.setattr(batch_tasks, "MOST_REJECTS", 200)
    walked, find = 0, faults.find

    def counting(*args: Any) -> Any:
        nonlocal walked
        walked += 1
        return find(*args)

    monkeypatch.setattr(faults, "find", counting)

    async def story(h: House) -> None:
        asked = asyncio.create_task(h.post(GRID, f"/tasks/batch?atomic={atomic}"))
        others = 0
        while not asked.done():
            assert (await h.get("/health")).status_code == 200
            others += 1
            await asyncio.sleep(0)  # a request of this process may be answered without a pause
        answer = await asked
        said = problem(answer, 422, "batch_rejected")
        assert "(10,000 lines are wrong; the first 100 are told)" in str(said["detail"])
        assert len(said["wrong"]) == problems.MOST_FAULTS  # type: ignore[arg-type]
        assert len(answer.content) < 20_000
        assert walked <= 2 * 200
        assert others > 10

    house.tell(story)


def test_so_many_fields_of_all_lines_are_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the first lines all, then one of each; how many there are stands in the detail."""
    monkeypatch.setattr(batch_tasks, "MOST_FIELDS", 100)

    async def story(h: House) -> None:
        wrong = {"data": {f"field_{n}": n for n in range(40)}}
        told = (await accepted(h, lines(*[wrong] * 5, GOOD)))["rejected"]
        assert [len(each["errors"]) for each in told] == [42, 42, 16, 1, 1]
        assert all("(and 41 more)" in each["detail"] for each in told)

    house.tell(story)


def test_a_grid_is_divided_beside_the_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short body that makes many lines; lines that were sent as lines are not."""

    async def story(h: House) -> None:
        divided = list[bool]()
        of = batch_lines.of

        def noting(body: bytes, media_type: str) -> Any:
            try:
                asyncio.get_running_loop()
                divided.append(True)
            except RuntimeError:
                divided.append(False)
            return of(body, media_type)

        monkeypatch.setattr(batch_lines, "of", noting)
        grid = GOOD | {"grid": {"rate": [0.01, 0.02]}}
        assert (await h.post(grid, "/tasks/batch")).json()["accepted"] == 2
        assert (await h.client.post("/tasks/batch", content=lines(GOOD), headers=NDJSON)).json()["accepted"] == 1
        assert divided == [False, True]

    house.tell(story)


def test_more_faults_than_are_looked_for(house: House) -> None:
    """Of a matrix of a million wrong cells nobody counts all: the answer says at least how many."""

    async def story(h: House) -> None:
        task = {"kind": "markowitz", "data": {"covariance": [["x"] * 50] * 50}}
        said = problem(await h.post(task), 422, "invalid_data")
        assert str(said["detail"]).endswith("(and at least 99 more)")
        assert len(said["errors"]) == 100  # type: ignore[arg-type]

    house.tell(story)
