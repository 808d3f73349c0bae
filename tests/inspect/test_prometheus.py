"""A real Prometheus with our configuration looks at a real run: what it knows is what happened. And our rules hold."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.inspect.prometheus import BINARY, OURS, PROMTOOL
from tests.inspect.run import Run

needed = pytest.mark.skipif(not (BINARY and PROMTOOL), reason="needs Prometheus:  apt-get install prometheus")


def promtool(*words: str | Path, told: str = "") -> str:
    """What it says; it must agree."""
    assert PROMTOOL
    ended = subprocess.run([PROMTOOL, *map(str, words)], input=told, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@needed
def test_the_rules_raise_what_they_should_and_nothing_else() -> None:
    promtool("check", "config", OURS / "prometheus.yml")
    promtool("check", "config", OURS / "compose.yml")
    assert "SUCCESS" in promtool("test", "rules", OURS / "rules_test.yml")


@needed
def test_each_alert_is_tested() -> None:
    alerts = {line.split()[-1] for line in (OURS / "rules.yml").read_text().splitlines() if "- alert:" in line}
    tested = (OURS / "rules_test.yml").read_text()
    for alert in alerts:
        raised = tested.split(f"alertname: {alert}\n")[1:]
        assert any("exp_labels" in case.split("alertname:")[0] for case in raised), f"nothing raises {alert}"


@needed
def test_what_gateways_say_is_as_promtool_wants_it(run: Run) -> None:
    assert len(run.metrics) == 2
    for told in run.metrics:
        said = promtool("check", "metrics", told=told)
        assert said == "", said


@needed
def test_prometheus_knows_what_happened(run: Run) -> None:
    measured = run.measured
    assert measured["sum(up)"] == {(): 2}
    assert measured["up"] == {("headrace",): 1}
    assert measured["count(headrace_exporter == 1)"] == {(): 1}, "one gateway tells of all"
    ended = Counter((t["kind"], t["state"]) for t in run.tasks.values() if t["state"] != "scheduled")
    ended["compound_interest", "succeeded"] += run.in_batch
    ended["compound_interest", "cancelled"] += run.cancelled
    finished = measured["sum by (kind, outcome) (headrace_tasks_finished_total)"]
    assert {key: n for key, n in finished.items() if n} == ended
    submitted = measured["sum by (kind) (headrace_tasks_submitted_total)"]
    expected = Counter(t["kind"] for t in run.tasks.values())
    expected["compound_interest"] += run.in_batch
    assert {kind: n for (kind,), n in submitted.items() if n} == expected
    counted = measured['sum by (kind) (headrace_task_run_seconds_bucket{le="+Inf"})']
    began = Counter(t["kind"] for t in run.tasks.values() if t["state"] in ("succeeded", "failed"))
    began["compound_interest"] += run.in_batch
    assert {kind: n for (kind,), n in counted.items() if n} == began


@needed
def test_prometheus_knows_how_it_happened(run: Run) -> None:
    measured = run.measured
    jobs = measured["sum by (kind, outcome) (max_over_time(headrace_jobs_total[10m]))"]
    assert (jobs["crash", "died"], jobs["crash", "buried"], jobs["crash", "done"]) == (3, 1, 1)
    assert (jobs["refuse", "refused"], jobs["refuse", "broke"], jobs["act", "done"]) == (1, 1, 1)
    assert measured["sum(headrace_reclaimed_total)"] == {(): 1}
    assert measured["sum by (code) (headrace_requests_rejected_total)"]["unknown_kind",] == 2
    assert measured["max(headrace_dead_letters)"] == {(): 2}, "a bug and a burial"
    assert set(measured["max by (state) (headrace_children)"]) == {("busy",), ("idle",)}


@needed
def test_its_rules_are_at_work(run: Run) -> None:
    assert run.measured["headrace:queue_waiting"] == {("high",): 0, ("medium",): 0, ("low",): 0}
    assert set(run.measured["headrace:children_busy:ratio"]) == {()}
    alerts = run.measured['ALERTS{alertname="HeadraceDeadLetters"}']
    assert set(alerts) == {("pending", "warning")}, "raised after a minute"
