"""docs/logs.md on the logs of a real run of everything: its questions are answered rightly, by jq and by SQL.

What is right is known otherwise: from what the API answered, and from what the client did (tests/inspect/run.py).
"""

import json
import os
import re
import subprocess
from collections import Counter
from datetime import datetime
from typing import Any

import msgspec
import pytest

from deploy import sql
from deploy.stack import ROOT
from pipeline.log import Line
from tests.inspect.run import REQUEST, TRACE, Lines, Run, typed

Told = list[dict[str, Any]]


class Asked:
    """The two answers to a question of the page."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._about = {"TASK": run.id("many"), "REQUEST": REQUEST, "OWNER": "ann"}

    def __call__(self, question: str) -> Told:
        """What both say: the same rows. Times apart, which SQL prints in its own way."""
        jq, query = typed(question)
        by_jq, by_sql = self._jq(jq), self._sql(query)
        assert _rows(by_jq) == _rows(by_sql), f"{question}\n{by_jq}\n{by_sql}"
        return by_jq

    def _jq(self, line: str) -> Told:
        environ = os.environ | self._about
        heard = subprocess.run(
            ["sh", "-c", line], cwd=self._run.folder, env=environ, capture_output=True, text=True, check=True
        )
        assert heard.stderr == ""
        return [json.loads(text) for text in heard.stdout.splitlines()]

    def _sql(self, query: str) -> Told:
        for name, value in self._about.items():
            query = query.replace(f"${name}", value)
        return [json.loads(msgspec.json.encode(row)) for row in sql.rows(self._run.folder / "var", query)]


def _rows(told: Told) -> list[tuple[tuple[str, str], ...]]:
    """Comparable: without what is null, times and sums of floats cut to what both can say, in any order."""
    return sorted(tuple(sorted((k, _cut(k, v)) for k, v in row.items() if v is not None and k != "ts")) for row in told)


def _cut(name: str, value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


@pytest.fixture(scope="module")
def ask(run: Run) -> Asked:
    return Asked(run)


def jobs(run: Run) -> Lines:
    return [line for line in run.lines("log/consumer-*") if "job" in line and line["event"] != "job.reaped"]


def known(run: Run, state: str = "") -> dict[str, dict[str, Any]]:
    """The tasks that the client saw to their end, by id."""
    return {
        t["task_id"]: t for t in run.tasks.values() if t["state"] in ((state,) if state else ("succeeded", "failed"))
    }


# ── the twenty questions ──


def test_1_who_took_a_task(run: Run, ask: Asked) -> None:
    (told,) = ask("1\\. Who took a task")
    task = run.tasks["many"]
    assert (told["state"], told["owner"]) == ("succeeded", "ann")
    assert (told["waited_ms"], told["ran_ms"]) == (task["waited_ms"], task["ran_ms"])
    assert told["consumer"] in {line["consumer"] for line in jobs(run) if line["task_id"] == task["task_id"]}


def test_2_the_story_of_a_task(run: Run, ask: Asked) -> None:
    told = ask("2\\. What is the whole story of a task?")
    assert Counter(line["event"] for line in told) == {"task.submitted": 1, "job.done": 6, "task.ended": 1}
    assert {line["job"] for line in told if line["job"]} == {"p0", "p1", "p2", "p3", "p4", "r0"} or len(told) == 8


def test_3_what_became_of_a_request(run: Run, ask: Asked) -> None:
    """B: the same names and the same trace in nginx, gateway, consumer and audit."""
    told = ask("3\\. What became of a request")
    assert {line["service"] for line in told} == {"nginx", "gateway", "consumer", "audit"}
    assert {line["task_id"] for line in told} - {None} == {run.id("many")}
    assert {line["trace_id"] for line in told} == {TRACE}, "the trace went through the store to each job"


def test_4_how_long_tasks_wait_and_run(run: Run, ask: Asked) -> None:
    told = {line["kind"]: line for line in ask("4\\. How long did tasks of each kind")}
    seen = known(run)
    ran = sorted(t["ran_ms"] for t in seen.values() if t["kind"] == "refuse")
    waited = sorted(t["waited_ms"] for t in seen.values() if t["kind"] == "refuse")
    expected = {"tasks": 2, "p50_ms": ran[0], "p95_ms": ran[1], "waited_p95_ms": waited[1]}
    assert told["refuse"] == {"kind": "refuse"} | expected
    assert told["compound_interest"]["tasks"] == 8 + 4 + proofs(run)


def proofs(run: Run) -> int:
    """Tasks of `make up` itself: it proves that the answer is right."""
    ended = [line for line in run.lines("audit/*") if line["event"] == "task.ended"]
    ours = {task["task_id"] for task in run.tasks.values()}
    return len([line for line in ended if line["task_id"] not in ours and "batch_id" not in line])


def test_5_which_jobs_were_taken_from_whom(run: Run, ask: Asked) -> None:
    told = ask("5\\. Which jobs were taken from consumers")
    assert sum(line["jobs"] for line in told) == run.tasks["taken over"]["interruptions"] == 1
    names = {line["instance"] for line in run.lines("log/consumer-*")}
    assert {told[0]["from_consumer"], told[0]["consumer"]} <= names
    assert told[0]["from_consumer"] != told[0]["consumer"]


def test_6_who_submits_how_much(run: Run, ask: Asked) -> None:
    told = {(line["owner"], line["kind"]): line for line in ask("6\\. Who submits how much?")}
    assert (told["ann", "noop"]["tasks"], told["ann", "noop"]["parts"]) == (1, 5)
    assert told["ann", "crash"]["tasks"] == 2
    assert told["local", "compound_interest"]["tasks"] >= 6 + 1 + 4
    assert told["ann", "compound_interest"]["tasks"] == 1 + 2, "the same once more, and two that wait"


def test_7_which_tasks_failed_and_why(run: Run, ask: Asked) -> None:
    told = ask("7\\. Which tasks failed, and why?")
    assert {(line["task_id"], line["error_code"], line["attempts"]) for line in told} == {
        (run.id("refused"), "not_today", 1),
        (run.id("broke"), "internal_error", 1),
        (run.id("buried"), "child_died", 3),
    }
    assert {line["task_id"] for line in told} == set(known(run, "failed"))


def test_8_the_last_five_of_an_owner(run: Run, ask: Asked) -> None:
    told = [line["task_id"] for line in ask("8\\. What are the last five tasks")]
    bobs = ("interest", "rerun")
    assert told == sorted((run.id(name) for name in run.tasks if not name.startswith(bobs)), reverse=True)[:5]


def test_9_how_jobs_went_wrong(run: Run, ask: Asked) -> None:
    told = {
        (line["kind"], line["error_code"], line["outcome"]): line["jobs"] for line in ask("9\\. How did jobs go wrong")
    }
    assert told == {
        ("refuse", "not_today", "refused"): 1,
        ("refuse", "internal_error", "broke"): 1,
        ("crash", "child_died", "died"): 3,
        ("crash", "child_died", "buried"): 1,
    }


def test_10_what_part_failed(run: Run, ask: Asked) -> None:
    told = ask("10\\. What part of the tasks failed")
    assert sum(line["failed"] for line in told) == 3
    assert sum(line["tasks"] for line in told) == len(known(run)) + 4 + proofs(run)
    assert all(line["since"] % 900 == 0 for line in told)


def test_11_cpu_by_owner(run: Run, ask: Asked) -> None:
    told = {line["owner"]: line["cpu_s"] for line in ask("11\\. How many seconds of CPU")}
    assert {"ann", "local"} <= set(told)
    assert 0 < told["local"] < sum(line["ran_ms"] for line in jobs(run) if line["owner"] == "local") / 1000 + 0.1


def test_12_what_each_process_did(run: Run, ask: Asked) -> None:
    told = ask("12\\. How many jobs did each process")
    counted = Counter((line["consumer"], line["child"]) for line in jobs(run))
    assert {(line["consumer"], line["child"]): line["jobs"] for line in told} == counted
    assert sum(line["busy_s"] for line in told) == pytest.approx(sum(line["ran_ms"] for line in jobs(run)) / 1000)


def test_13_what_has_not_ended(run: Run, ask: Asked) -> None:
    assert [line["task_id"] for line in ask("13\\. What was accepted")] == [run.id("waits")]


def test_14_which_jobs_were_started_more_than_once(run: Run, ask: Asked) -> None:
    told = ask("14\\. Which jobs were started more than once?")
    assert Counter((line["task_id"], line["attempt"], line["outcome"]) for line in told) == {
        (run.id("once more"), 2, "done"): 1,
        (run.id("buried"), 2, "died"): 1,
        (run.id("buried"), 3, "buried"): 1,
        (run.id("taken over"), 1, "done"): 1,
    }


def test_15_which_versions_run(run: Run, ask: Asked) -> None:
    told = {(line["service"], line["version"]): line["processes"] for line in ask("15\\. Which versions have run")}
    version = str(run.tasks["many"]["versions"]["package"])
    assert told == {("gateway", version): 2, ("webhooks", version): 1, ("consumer", version): 3}, (
        "one of them in the place of the one that was killed"
    )


def test_16_what_callers_get_wrong(run: Run, ask: Asked) -> None:
    told = {(line["status"], line["code"]): (line["path"], line["times"]) for line in ask("16\\. What do callers")}
    assert told[422, "unknown_kind"] == ("$.kind", 2)
    assert told[422, "invalid_request"] == ("$.prio", 1)
    rejected = [line for line in run.lines("log/gateway-*") if line["event"] == "request.rejected"]
    assert sum(times for _, times in told.values()) == len(rejected)


def test_17_which_requests_were_the_slowest(run: Run, ask: Asked) -> None:
    told = ask("17\\. Which requests were the slowest?")
    longest = sorted((line["duration_s"] for line in run.lines("log/nginx")), reverse=True)
    assert [line["duration_s"] for line in told] == longest[:5]


def test_18_what_was_computed_twice(run: Run, ask: Asked) -> None:
    told = {line["input_sha256"]: line["tasks"] for line in ask("18\\. What was computed more than once")}
    for name, tasks in (("interest 0", 2), ("interest 1", 2), ("buried", 1)):
        assert told.get(run.tasks[name]["sha256"], 1) == tasks


def test_19_how_long_a_batch_took(run: Run, ask: Asked) -> None:
    (told,) = ask("19\\. How many tasks did each batch")
    assert (told["batch_id"], told["tasks"]) == (run.batch, 4)
    members = [line for line in run.lines("audit/*") if line.get("batch_id") == run.batch]
    first = min(datetime.fromisoformat(line["submitted_at"]) for line in members)
    last = max(datetime.fromisoformat(line["ts"]) for line in members)
    assert told["took_ms"] == pytest.approx((last - first).total_seconds() * 1000)


def test_20_who_did_what(run: Run, ask: Asked) -> None:
    told = ask("20\\. Who cancelled")
    assert [line["action"] for line in told if line["by"].startswith("key ")] == [
        "task.cancel",
        "queue.pause",
        "queue.resume",
        "task.purge",
    ]
    cancel, pause, _, purge = [line for line in told if line["by"].startswith("key ")]
    assert (cancel["task_id"], cancel["was"]) == (run.id("cancelled"), "scheduled")
    assert (pause["priority"], pause["reason"]) == ("low", "month end")
    assert purge["task_id"] == run.id("cancelled")
    assert cancel["by"] != pause["by"] == purge["by"], "ann cancelled, bob did the rest"
    assert [line["by"] for line in told if line["action"] == "key.make"][-2:] == ["make key", "make key"]


def test_which_processes_went_down(run: Run, ask: Asked) -> None:
    (told,) = ask("Which processes went down by themselves")
    assert told["level"] == "warning"
    assert told["program"] in ("consumer-1", "consumer-2")


# ── the audit of the run, and `make logs Q=…` ──


def test_every_task_that_ended_is_in_the_audit_as_the_api_told_it(run: Run) -> None:
    """To the end: `make down` stops the audit after those whose work it tells."""
    ended = {line["task_id"]: line for line in run.lines("audit/*") if line["event"] == "task.ended"}
    for id, task in known(run).items():
        line = ended[id]
        told = {name: line[name] for name in ("state", "waited_ms", "ran_ms", "attempts", "interruptions")}
        assert told == {name: task[name] for name in told}
        assert line["input_sha256"] == task["sha256"]
        assert line["by"].startswith("key "), "who submitted it"
    assert ended[run.id("rerun")]["rerun_of"] == run.id("interest 1")
    same = [ended[run.id(name)]["result_sha256"] for name in ("rerun", "interest 1")]
    assert same[0] == same[1]
    said = run.deploy("deploy.audit", "verify")
    assert "The chain is whole." in said
    assert run.deploy("deploy.audit", "export").count("\n") == len(run.lines("audit/*"))


def test_make_logs_runs_sql_with_quotes_of_both_sorts(run: Run) -> None:
    query = f"select \"kind\", 'it''s' as said from L where event = 'task.ended' and task_id = '{run.id('many')}'"
    make = ["make", "--no-print-directory", "logs", f"Q={query}"]
    heard = subprocess.run(make, cwd=ROOT, env=run.environ, capture_output=True, text=True, check=True)
    assert json.loads(heard.stdout.splitlines()[-1]) == {"kind": "noop", "said": "it's"}


@pytest.mark.parametrize(("query", "said"), [("select nothing from L", "nothing"), ("selec", "selec")])
def test_a_query_that_is_none_is_told_so(run: Run, query: str, said: str) -> None:
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "deploy.sql", query]
    heard = subprocess.run(command, cwd=ROOT, env=run.environ, capture_output=True, text=True, check=False)
    assert heard.returncode == 2
    assert heard.stderr.startswith("DuckDB does not understand this.\n")
    assert said in heard.stderr
    assert heard.stderr.endswith("The columns of L are the fields of docs/logs.md.\n")


# ── the contract, on real lines (on the code: test_contract.py) ──


def test_every_line_is_as_the_page_says(run: Run) -> None:
    """B71: every line of every process is one JSON object (`lines` reads them) with time, level, event and service."""
    for line in run.lines() + run.lines("audit/*"):
        front = list(line)[1:5] if "seq" in line else list(line)[:4]
        assert front == ["ts", "level", "event", "service"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
        assert line["level"] in ("debug", "info", "warning", "error")
        assert set(line) <= set(sql.COLUMNS), line


def test_the_line_of_a_job_has_every_field_of_its_struct(run: Run) -> None:
    seldom = {"error_code", "interruptions", "paths"}
    for line in jobs(run):
        answered = line["outcome"] not in ("died", "buried")
        always = set(Line.__struct_fields__) - seldom - {"trace_id"} - (set() if answered else {"cpu_ms"})
        assert always <= set(line) <= set(Line.__struct_fields__)


def test_no_line_holds_what_clients_sent(run: Run) -> None:
    """Amounts, results and keys are nobody's business. (The result of 1000 at 5 % is in every answer.)"""
    text = "".join(path.read_text() for path in (run.folder / "var").glob("*/*.jsonl"))
    assert '"amount"' not in text
    assert "final_amount" not in text
    assert all(key not in text for key in run.keys.values())
