"""Logs: one JSON object a line, the same names from every hand that writes."""

import json
from typing import Any

import msgspec
import pytest

from pipeline import log

LINE = log.Line(
    ts=log.timestamp(), level="info", event="job.done", service="consumer", instance="c1", version=log.VERSION, pid=1,
    request_id="r", task_id="T1", job="p0", kind="noop", owner="local", priority="medium",
    step="whole", part=0, attempt=1, consumer="c1", child=2, waited_ms=3, ran_ms=4.5, outcome="done",
)  # fmt: skip


def test_rare_lines_carry_the_common_fields(capfdbinary: Any) -> None:
    log.configure("consumer", "c1")
    log.get().info("consumer.started", children=4)
    line = json.loads(capfdbinary.readouterr().out)
    assert list(line) == ["ts", "level", "event", "service", "instance", "version", "pid", "children"]
    assert (line["level"], line["event"], line["service"]) == ("info", "consumer.started", "consumer")


def test_an_exception_is_one_line(capfdbinary: Any) -> None:
    log.configure("consumer", "c1")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.get().error("consumer.broke", exc_info=True)
    out = capfdbinary.readouterr().out
    assert out.count(b"\n") == 1
    assert "two\nlines" in json.loads(out)["exception"]


def test_job_lines_are_written_together(capfdbinary: Any) -> None:
    log.write_lines([LINE, msgspec.structs.replace(LINE, error_code="time_limit")])
    first, second = (json.loads(line) for line in capfdbinary.readouterr().out.splitlines())
    assert "error_code" not in first
    assert second["error_code"] == "time_limit"
    assert {
        "ts",
        "level",
        "event",
        "service",
        "task_id",
        "job",
        "waited_ms",
        "ran_ms",
        "outcome",
        "request_id",
    } <= first.keys()


@pytest.mark.parametrize("text", ["", "00-abc-def-01", "garbage"])
def test_a_wrong_traceparent_has_no_trace(text: str) -> None:
    assert log.trace_id(text) == ""


def test_a_traceparent_gives_its_trace() -> None:
    assert log.trace_id(f"00-{'a' * 32}-{'b' * 16}-01") == "a" * 32
