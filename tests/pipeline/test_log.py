"""Logs: one JSON object a line, the same names from every hand that writes."""

import json
import os
import subprocess
import sys
from pathlib import Path
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


SAYS = """
import os, resource, signal, sys
from pipeline import log
log.configure("consumer", "c1")
"""


def said(code: str, stdout: Any) -> "subprocess.CompletedProcess[bytes]":
    """Run lines of Python that log to this file."""
    line = [sys.executable, "-c", SAYS + code]
    return subprocess.run(line, stdout=stdout, stderr=subprocess.PIPE, timeout=30, check=False)


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    with open("/dev/full", "wb") as full:
        ended = said("for n in range(1000): log.get().info('consumer.started', children=n)", full)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_after_a_full_disk_lines_are_whole_again(tmp_path: Path) -> None:
    """A limit to the file's size tears a line as a disk does; what is written when it is gone begins a new line."""
    code = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for n in range(100): log.get().info("consumer.started", children=n)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for n in (100, 101): log.get().info("consumer.stopped", children=n)
"""
    with (tmp_path / "log").open("wb") as file:
        ended = said(code, file)
    assert (ended.returncode, ended.stderr) == (0, b"")
    *before, torn, last, very_last = (tmp_path / "log").read_bytes().splitlines()
    assert [json.loads(line)["children"] for line in before] == list(range(len(before)))
    assert sum(map(len, [*before, torn])) + len(before) == 1000
    assert [json.loads(line)["children"] for line in (last, very_last)] == [100, 101]


def test_who_reads_and_stands_still_is_waited_for_once() -> None:
    """A pipe that is full holds nobody up for longer than a moment; what comes when it is read again is whole."""
    code = """
import time
began = time.monotonic()
for n in range(2000): log.get().info("consumer.started", children=n)
print(time.monotonic() - began, file=sys.stderr, flush=True)
sys.stdin.readline()
log.get().info("consumer.stopped", children=1)
"""
    line = [sys.executable, "-c", SAYS + code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, **pipes) as process:  # type: ignore[call-overload]
        assert 0.4 < float(process.stderr.readline()) < 60  # once a line would be a quarter of an hour
        first = os.read(process.stdout.fileno(), 65_536)  # now there is room again
        rest, wrong = process.communicate(b"on\n", timeout=60)
    *before, last = (first + rest).splitlines()
    assert (process.returncode, wrong) == (0, b"")
    assert json.loads(last)["event"] == "consumer.stopped"
    torn = [text for text in before if not text.endswith(b"}")]
    assert len(torn) <= 1
    assert 100 < len(before) < 1000
