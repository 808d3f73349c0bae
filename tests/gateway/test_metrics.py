"""GET /metrics: what a gateway has counted, and what one of them tells of the whole pipeline."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from httpx import Response
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from gateway import exporter, figures
from gateway.exporter import BOUNDS, Exporter, Totals
from pipeline import log, verbs
from pipeline.async_store import AsyncStore
from pipeline.record import Beat, Pause, Tally
from tests.gateway.house import SEED, SHARE, House

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
FIGURES = Tally(
    jobs=[("noop", "done", 41, 8.5, 7.25), ("crash", "buried", 1, 0.5, 0.0)],
    paths={"var_mc": 5_000_000},
    ended={"died": 3, "memory": 1},
    reaped=2,
    absences=4,
)


def samples(answer: Response) -> Samples:
    """Every sample of an answer; it must be what Prometheus reads, and each sample once."""
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(of: Samples, name: str, **labels: str) -> float:
    return of[name, frozenset(labels.items())]


def test_a_gateway_counts_what_it_answers(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        for _ in range(3):
            await h.get(f"/tasks/{id}")
        await h.get("/tasks/nobody-knows-it")
        await h.get("/no/such/path")
        await h.client.request("BREW", "/health")
        await h.post({"kind": "nothing", "data": {}})
        first = await h.post(SEED, idempotency_key='"twice-and-once"')
        assert (await h.post(SEED, idempotency_key='"twice-and-once"')).json()["task_id"] == first.json()["task_id"]
        got = samples(await h.get("/metrics"))
        requests = "headrace_http_requests_total"
        assert value(got, requests, route="/tasks/{task_id}", method="GET", status="200") == 3
        assert value(got, requests, route="/tasks/{task_id}", method="GET", status="404") == 1
        assert value(got, requests, route="/tasks", method="POST", status="202") == 3
        assert value(got, requests, route="none", method="GET", status="404") == 1, "whatever the address was"
        assert value(got, requests, route="/health", method="other", status="405") == 1, "whatever the method was"
        assert value(got, "headrace_requests_rejected_total", code="unknown_kind") == 1
        assert value(got, "headrace_idempotent_replays_total") == 1
        assert value(got, "headrace_build_info", service="gateway", version=log.VERSION) == 1
        lasted = "headrace_http_request_duration_seconds"
        assert value(got, f"{lasted}_count", route="/tasks/{task_id}", method="GET") == 4
        assert value(got, f"{lasted}_bucket", route="/tasks/{task_id}", method="GET", le="60") == 4
        assert 0 < value(got, f"{lasted}_sum", route="/tasks/{task_id}", method="GET") < 60
        assert value(got, "process_cpu_seconds_total") > 0

    house.tell(story)


def test_many_addresses_and_methods_do_not_make_many_series(house: House) -> None:
    async def story(h: House) -> None:
        for n in range(20):
            await h.client.request(f"M{n}", f"/made/up/{n}")
        told = samples(await h.get("/metrics"))
        assert len([name for name, _ in told if name == "headrace_http_requests_total"]) == 1

    house.tell(story)


def test_the_figures_of_the_pipeline_are_those_of_the_store(house: House) -> None:
    async def story(h: House) -> None:
        await h.get("/metrics")  # from here on it counts
        done = [await h.submitted(SEED | {"priority": "high"}) for _ in range(4)]
        assert sorted(h.finish(4)) == sorted(done)
        cancelled, _ = await h.submitted(), await h.submitted(SEED | {"priority": "low"})
        await h.post(None, f"/tasks/{cancelled}/cancel")
        h.store.do(verbs.pause("low", Pause("ann", "why", 1)))
        children = [{"pid": 1, "cpu_s": 2.5, "rss_bytes": 1000}, {"pid": 2, "cpu_s": 1, "rss_bytes": 5, "job": "p0"}]
        now_ms = h.store.do(verbs.clock())
        beat = Beat(
            name="c1", host="h", pid=9, version="7", started_at=1, beat_at=now_ms, children=children, figures=FIGURES
        )
        h.store.do(verbs.beat(beat))
        got = samples(await h.get("/metrics"))
        kind = {"kind": "compound_interest"}
        assert value(got, "headrace_exporter") == 1
        assert value(got, "headrace_tasks_submitted_total", **kind) == 6
        assert value(got, "headrace_tasks_finished_total", outcome="succeeded", **kind) == 4
        assert value(got, "headrace_tasks_finished_total", outcome="cancelled", **kind) == 1
        assert value(got, "headrace_tasks_submitted_total", kind="var_mc") == 0, "a kind nobody asked for yet"
        assert value(got, "headrace_tasks", state="queued") == 1
        assert value(got, "headrace_queue_waiting", queue="low") == 1
        assert value(got, "headrace_queue_paused", queue="low") == 1
        assert value(got, "headrace_queue_waiting", queue="high") == 0
        assert 0 <= value(got, "headrace_queue_oldest_age_seconds", queue="low") < 60
        assert value(got, "headrace_task_run_seconds_bucket", le="+Inf", **kind) == 4
        assert value(got, "headrace_task_wait_seconds_bucket", le="94041.5", **kind) == 4
        assert value(got, "headrace_workers", state="busy") == 1
        assert value(got, "headrace_workers", state="silent") == 1, "the hand that took the jobs beats no heart"
        assert value(got, "headrace_children", state="idle") == 1
        assert value(got, "headrace_child_cpu_seconds", worker="c1", child="0") == 2.5
        assert value(got, "headrace_jobs_total", worker="c1", kind="noop", outcome="done") == 41
        assert value(got, "headrace_job_run_seconds_total", worker="c1", kind="noop", outcome="done") == 8.5
        assert value(got, "headrace_job_cpu_seconds_total", worker="c1", kind="noop", outcome="done") == 7.25
        assert value(got, "headrace_simulated_paths_total", worker="c1", kind="var_mc") == 5_000_000
        assert value(got, "headrace_child_restarts_total", worker="c1", reason="memory") == 1
        assert value(got, "headrace_worker_store_absences_total", worker="c1") == 4
        assert ("headrace_audit_behind_seconds", frozenset()) not in got, "there is no audit here"

    house.tell(story)


def test_one_gateway_tells_them_and_another_one_when_it_goes(house: House) -> None:
    """Two gateways over one store; the first that is asked is elected, and resigns when it stops."""

    async def story(h: House) -> None:
        store = AsyncStore(h.settings)
        one, two = Exporter(store, "one"), Exporter(store, "two")
        assert await tells(one)
        assert not await tells(two)
        assert await tells(one)
        await two.resign()
        assert await tells(one), "who is not elected takes nothing away"
        await one.resign()
        assert await tells(two)
        assert not await tells(one)
        await h.submitted()
        assert counted(await two.metrics(["compound_interest"]), "submitted") == 1
        h.store.do(verbs.elect("two", 1))  # killed: it is asked no more, and its time runs out
        await asyncio.sleep(0.01)
        assert await tells(one)
        assert counted(await one.metrics(["compound_interest"]), "submitted") == 0, "its own count begins"
        await store.close()

    async def tells(each: Exporter) -> bool:
        return len(await each.metrics([])) > 1

    house.tell(story)


def counted(families: list[exporter.Metric], what: str) -> float:
    (family,) = [family for family in families if family.name == f"headrace_tasks_{what}"]
    return float(sum(sample.value for sample in family.samples))


MINUTE_MS = 60_000


def test_minutes_add_up_to_counters_that_never_go_back() -> None:
    """Each count once: whichever minutes a look brings, however long ago the last one was."""
    minutes = {f"{name:012d}": {"k:submitted": 5} for name in range(197001010000, 197001010010)}

    def looked(upto: int, window: int) -> dict[str, dict[str, int]]:
        return {name: dict(minutes[name]) for name in list(minutes)[max(0, upto + 1 - window) : upto + 1]}

    totals = Totals()
    totals.add(looked(1, 2), 1 * MINUTE_MS)
    assert totals.counted["k:submitted"] == 0, "what was counted before is not ours"
    minutes["197001010001"]["k:submitted"] = 9
    totals.add(looked(1, 2), 1 * MINUTE_MS)
    totals.add(looked(2, 2), 2 * MINUTE_MS)
    assert totals.counted["k:submitted"] == 4 + 5
    totals.add(looked(9, 9), 9 * MINUTE_MS)
    assert totals.counted["k:submitted"] == 4 + 8 * 5, "seven minutes that nobody asked about, and none of them twice"


def test_a_bound_of_ours_is_a_bound_of_the_scripts() -> None:
    """A task that ran for so long is in the bucket whose bound it is under, and in no other."""
    found = exporter._histograms({"k:ran:0": 1, "k:ran:5": 2, "k:ran:6": 4, "k:ran:400": 8, "k:waited:7": 3}, "ran")  # type: ignore[arg-type]
    assert found["k"][:3] == [3, 4, 0]
    assert found["k"][-1] == 8
    assert figures.cumulative(BOUNDS, found["k"])[:2] == [(f"{1.12**6 / 1000:g}", 3.0), (f"{1.12**12 / 1000:g}", 7.0)]


def test_without_its_store_a_gateway_tells_of_itself(house: House) -> None:
    async def story(h: House) -> None:
        nowhere = structs.replace(h.settings, redis_url="redis://127.0.0.1:1/0")
        h.desk.exporter = Exporter(AsyncStore(nowhere), "me")
        got = samples(await h.get("/metrics"))
        assert value(got, "headrace_build_info", service="gateway", version=log.VERSION) == 1
        assert ("headrace_exporter", frozenset()) not in got

    house.tell(story)


# ── what Prometheus and Grafana are told to ask for ──

WORD = re.compile(r"\bheadrace_\w+")


@pytest.fixture
def names(house: House) -> set[str]:
    """The name of every sample that there can be."""
    found: set[str] = set()

    async def story(h: House) -> None:
        await h.post({"kind": "nothing", "data": {}})
        beat = Beat(
            name="c", host="h", pid=1, version="1", started_at=1, beat_at=1, children=[{"pid": 1}], figures=FIGURES
        )
        h.store.do(verbs.beat(beat))
        h.store.do(verbs.cancel(await h.submitted(), SHARE))
        for family in [*h.desk.figures.collect(0), *await h.desk.exporter.metrics(["compound_interest"])]:
            found.update(sample.name for sample in family.samples)

    house.tell(story)
    return found | {"headrace_audit_behind_seconds"}


def test_rules_and_dashboard_ask_for_metrics_that_there_are(names: set[str]) -> None:
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text()
    board = json.loads((DEPLOY / "grafana" / "dashboards" / "headrace.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    recorded = set(re.findall(r"record: (\S+)", rules))
    for text in [rules, *asked]:
        assert set(WORD.findall(text)) - {"headrace_"} <= names, set(WORD.findall(text)) - names
        assert set(re.findall(r"\bheadrace:[\w:]+", text)) <= recorded
    assert {f'le="{1.12**96 / 1000:g}"'} == set(re.findall(r'le="[0-9.]+"', rules)), "a bound that there is"


def test_the_page_names_every_metric(names: set[str]) -> None:
    page = (DEPLOY.parent / "docs" / "metrics.md").read_text()
    told = set(re.findall(r"`(headrace_\w+)`", page))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}
    assert told == families
