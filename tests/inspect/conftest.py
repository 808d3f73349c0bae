"""One run of everything, whose logs and metrics are looked at from all sides."""

import shutil

import pytest

from tests.inspect.prometheus import BINARY, Prometheus
from tests.inspect.run import Run, tell_story


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Started, worked, stopped."""
    assert shutil.which("jq"), "the lines of docs/logs.md need jq:  apt-get install jq"
    run = Run(tmp_path_factory.mktemp("logs"))
    run.deploy("deploy", "up")
    looking = Prometheus(run.folder / "prometheus", [run.port + 1, run.port + 2]) if BINARY else None
    try:
        if looking:  # who counts begins when it is asked first
            looking.until("count(headrace_exporter == 1)", lambda found: found == {(): 1})
        tell_story(run)
        if looking:
            measure(run, looking)
    finally:
        if looking:
            looking.stop()
        run.deploy("deploy", "down")
    return run


def measure(run: Run, looking: Prometheus) -> None:
    """What Prometheus knows of the run at its end."""
    ended = sum(task["state"] != "scheduled" for task in run.tasks.values()) + run.in_batch + run.cancelled
    looking.until("sum(headrace_tasks_finished_total)", lambda found: found.get(()) == ended)
    looking.until('sum(headrace_jobs_total{kind="act"})', lambda found: found.get(()) == 1)
    looking.until("sum(up)", lambda found: found.get(()) == 2)  # on a busy machine a look may come too late
    for query, labels in ASKED.items():
        run.measured[query] = looking.ask(query, *labels)
    for _ in range(2):  # each gateway's own words, as promtool wants to see them
        run.metrics.append(run.told_by_gateway(len(run.metrics)))


ASKED: dict[str, tuple[str, ...]] = {
    "up": ("job",),
    "sum(up)": (),
    "count(headrace_exporter == 1)": (),
    "sum by (kind, outcome) (headrace_tasks_finished_total)": ("kind", "outcome"),
    "sum by (kind) (headrace_tasks_submitted_total)": ("kind",),
    "sum by (kind, outcome) (max_over_time(headrace_jobs_total[10m]))": ("kind", "outcome"),
    'sum by (kind) (headrace_task_run_seconds_bucket{le="+Inf"})': ("kind",),
    "sum(headrace_reclaimed_total)": (),
    "sum by (code) (headrace_requests_rejected_total)": ("code",),
    'sum(headrace_http_requests_total{route="/tasks", status=~"2.."})': (),
    "max(headrace_dead_letters)": (),
    "max by (state) (headrace_children)": ("state",),
    "headrace:queue_waiting": ("queue",),
    "headrace:children_busy:ratio": (),
    'ALERTS{alertname="HeadraceDeadLetters"}': ("alertstate", "severity"),
}
