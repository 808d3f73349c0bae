"""The same question, the same answer; and a question without a seed, each time another."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from calc import execute
from calc.errors import CalcError
from tests.consumer.house import House
from tests.faults.settle import settled, submit_all
from tests.gateway import house as gateways

ROOT = Path(__file__).parents[2]
OPTION = {"type": "call", "spot": 100, "strike": 100, "maturity": 1, "rate": 0.01, "volatility": 0.2, "paths": 1000}
UNSEEDED = 400


async def ask_many(front: gateways.House, count: int) -> list[str]:
    """Submit unseeded questions, eight at a time; their ids."""
    found: list[str] = []
    for _ in range(0, count, 8):
        body = {"kind": "option_european", "data": OPTION}
        found += await asyncio.gather(*(front.submitted(body) for _ in range(8)))
    return found


def test_questions_without_a_seed_draw_different_numbers(house: House) -> None:
    """B86: four hundred, over all children and right after a restart: no two alike, and each tells its seed."""
    ids: list[str] = []

    async def story(front: gateways.House) -> None:
        ids.extend(await ask_many(front, UNSEEDED // 2))

    first = house.consumer(children=4).ready()
    gateways.House(house.server, prefix=house.prefix).tell(story)
    settled(house, ids)
    first.stop()
    house.consumer(children=4).ready()
    gateways.House(house.server, prefix=house.prefix).tell(story)
    tasks = settled(house, ids)
    assert len(ids) == UNSEEDED
    prices = {msgspec.json.decode(task.result or b"")["price"] for task in tasks}
    seeds = {task.seed for task in tasks}
    assert len(prices) == len(seeds) == UNSEEDED
    assert None not in seeds
    again = house.submit("option_european", **OPTION, seed=tasks[0].seed)
    assert house.finished(again).result == tasks[0].result


LEFT: list[tuple[str, dict[str, Any]]] = [
    ("option_european", {**OPTION, "seed": 1}),
    ("option_european", {**OPTION, "seed": 1, "maturity": 0.25, "type": "put", "variance_reduction": "antithetic"}),
    ("compound_interest", {"amount": 1000, "rate": 0.03, "years": 2, "periods": 12}),
    ("compound_interest", {"amount": 1000, "rate": 0.03, "years": 2, "periods": 365, "schedule": True}),
    ("act", {"do": "raise"}),
    ("act", {"do": "refuse"}),
    ("act", {"do": "answer"}),
]

FRESH = """
import sys
from calc import execute
execute.load("tests.consumer.kinds.act")
data = execute.plan(sys.argv[1], sys.argv[2].encode(), fresh_seed=1).data
sys.stdout.buffer.write(execute.execute(sys.argv[1], data))
"""


def fresh(kind: str, data: dict[str, Any]) -> bytes | None:
    """The answer of a process that has done nothing else; None where it breaks."""
    words = [sys.executable, "-c", FRESH, kind, json.dumps(data)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, check=False, timeout=150)
    return None if ended.returncode else ended.stdout


def test_one_job_leaves_nothing_behind_for_the_next(house: House) -> None:
    """B88: two children do a thousand jobs of different conventions in turns, some of them failing half-way."""
    truths = [fresh(kind, data) for kind, data in LEFT]
    assert sum(truth is None for truth in truths) == 2
    house.consumer(children=2).ready()
    models = [house.new_task(kind, **data) for kind, data in LEFT]
    tasks = [
        msgspec.structs.replace(models[n % len(models)], id=house.new_task("act").id) for n in range(1000 // 7 * 7)
    ]
    submit_all(house, tasks)
    for n, task in enumerate(settled(house, [task.id for task in tasks])):
        assert task.result == truths[n % len(truths)], LEFT[n % len(truths)]


@pytest.mark.parametrize("kind", ["option_european", "var_mc"])
def test_a_seed_is_the_whole_of_what_is_random(kind: str) -> None:
    """B86: two plans with different fresh seeds give different answers, two with the same seed the same bytes."""
    data = dict(execute.find(kind).EXAMPLE)
    del data["seed"]
    text = json.dumps(data).encode()
    plans = [execute.plan(kind, text, fresh_seed=seed) for seed in (1, 1, 2)]
    first, same, other = (execute.execute(kind, plan.data) for plan in plans)
    assert first == same
    assert first != other
    assert [plan.seed for plan in plans] == [1, 1, 2]
    with pytest.raises(CalcError):
        execute.execute(kind, text)
