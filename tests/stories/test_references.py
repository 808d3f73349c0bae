"""All reference cases once by HTTP: a gateway and a consumer of their own, one batch, seeds that no other test has."""

import json
import math
from pathlib import Path
from typing import Any

import httpx

from tests.consumer.house import House, until
from tests.gateway.process import running
from tests.refs.cases import CASES, WITHIN, at, is_simulated, scores, tolerance

SEEDS = (7_000_003, 7_000_033, 2**53 - 111)


def asked() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Name of a task → its case, and its data."""
    return {
        f"{number}-{case['id']}-{seed}": (case, case["data"] | ({} if seed is None else {"seed": seed}))
        for number, case in enumerate(CASES)
        for seed in (SEEDS if is_simulated(case) else (None,))
    }


def test_every_case_is_right_by_http(house: House, tmp_path: Path) -> None:
    tasks = asked()
    house.consumer(children=2, warm="all").ready()
    with running(house, tmp_path / "gateway.jsonl") as gateway:  # type: ignore[arg-type]
        results = by_batch(gateway.client, tasks)
    assert results.keys() == tasks.keys()
    z = []
    for name, (case, _) in tasks.items():
        answer = results[name]["result"]
        assert answer is not None, (name, results[name])
        for path, value in case["expected"].items():
            found = float(at(answer, path))
            assert abs(found - value) <= tolerance(case, answer, path), (name, path, found, value)
        z += scores(case, answer)
    assert len(z) > 150, "there are that many simulated figures"
    assert 0.6 < math.sqrt(sum(each * each for each in z) / len(z)) < 1.5
    assert max(map(abs, z)) <= WITHIN


def by_batch(client: httpx.Client, tasks: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """The lines of the results of one batch, by name."""
    lines = [
        json.dumps({"custom_id": name, "kind": case["kind"], "data": data}) for name, (case, data) in tasks.items()
    ]
    sent = {"Content-Type": "application/x-ndjson"}
    accepted = client.post("/tasks/batch?atomic=true", content="\n".join(lines), headers=sent)
    assert accepted.status_code == 202, accepted.text
    links = accepted.json()["links"]
    until(lambda: client.get(links["self"]).json()["finished"], 150)
    told = [json.loads(line) for line in client.get(links["results"]).text.splitlines()]
    return {line["custom_id"]: line for line in told}
