"""Spans for OpenTelemetry: from the client's traceparent to the job in a child, at a small receiver."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.stack import ROOT
from pipeline import verbs
from pipeline.store import Store
from tests.deploy.whole import until
from tests.pipeline.steps import SHARE, finish, new, submit, take
from tests.servers import Server

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def traceparent(flags: str = "01") -> str:
    return f"00-{TRACE}-{SPAN}-{flags}"


class Receiver:
    """Keeps the spans that come; answers with `status`."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.status = 200
        self.asked: list[str] = []
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                ours.asked.append(self.path)
                told = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
                if ours.status == 200:
                    ours.spans += [s for r in told.resource_spans for scope in r.scope_spans for s in scope.spans]
                self.send_response(ours.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of(self, id: str) -> list[Any]:
        """The spans of a task that have come."""
        return [span for span in self.spans if attributes(span)["headrace.task_id"] == id]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def tracing(store: Store, any_server: Server, receiver: Receiver) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The program, which follows already; what it has said by now."""
    environ = {"HEADRACE_REDIS_URL": any_server.url, "HEADRACE_OTLP_ENDPOINT": receiver.endpoint}
    command = [sys.executable, "-m", "deploy.trace"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ | {"PATH": os.environ["PATH"]}, stderr=subprocess.PIPE)
    said: list[dict[str, Any]] = []
    assert process.stderr
    listener = threading.Thread(target=lambda: said.extend(map(json.loads, process.stderr or ())), daemon=True)
    listener.start()
    until(lambda: [line for line in said if line["event"] == "trace.follows"])
    yield lambda: said
    process.terminate()
    assert process.wait(60) == 0
    listener.join(60)
    process.stderr.close()


def attributes(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_task_and_its_jobs_hang_under_the_clients_span(
    store: Store, receiver: Receiver, tracing: Callable[[], list[dict[str, Any]]]
) -> None:
    (id,) = submit(store, new(parts=2, traceparent=traceparent(), request_id="r-12345678", priority="high"))
    while jobs := take(store):
        for job in jobs:
            assert job.traceparent == traceparent(), "it went through the stream"
            assert finish(store, job)
    spans = until(
        lambda: len(ours := [s for s in receiver.spans if attributes(s)["headrace.task_id"] == id]) == 4 and ours
    )
    (task,) = [span for span in spans if span.name == "headrace.task"]
    inside = [span for span in spans if span is not task]
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert task.parent_span_id.hex() == SPAN
    assert {span.parent_span_id for span in inside} == {task.span_id}
    assert len({span.span_id for span in spans}) == 4
    assert {span.name for span in inside} == {"process headrace.jobs"}
    assert sorted(attributes(span)["headrace.job"] for span in inside) == ["p0", "p1", "r0"]
    record = store.do(verbs.task(id))
    assert record is not None
    assert record.finished_at is not None
    assert (task.start_time_unix_nano, task.end_time_unix_nano) == (
        record.submitted_at * 1_000_000,
        record.finished_at * 1_000_000,
    )
    told = attributes(inside[0])
    assert (told["messaging.destination.name"], told["headrace.consumer"]) == ("headrace.jobs.high", "c1")
    assert attributes(task)["headrace.request_id"] == "r-12345678"
    assert set(receiver.asked) == {"/v1/traces"}


def test_what_is_not_sampled_is_not_told_and_a_failure_is_an_error(
    store: Store, receiver: Receiver, tracing: Callable[[], list[dict[str, Any]]]
) -> None:
    quiet, untraced, failed = submit(store, new(traceparent=traceparent("00")), new(), new(traceparent=traceparent()))
    jobs = {job.task: job for job in take(store)}
    for id in (quiet, untraced):
        assert finish(store, jobs[id])
    assert store.do(verbs.fail(jobs[failed], {"code": "no", "message": "No."}, False, "c1", 0, 2.5, SHARE))
    spans = until(lambda: len(ours := receiver.of(failed)) == 2 and ours)
    assert receiver.of(quiet) == receiver.of(untraced) == [], "though they ended before it"
    assert {span.status.code for span in spans} == {2}, "an error"


def test_a_receiver_that_takes_nothing_holds_nobody_up(
    store: Store, receiver: Receiver, tracing: Callable[[], list[dict[str, Any]]]
) -> None:
    receiver.status = 400
    (refused,) = submit(store, new(traceparent=traceparent()))
    (job,) = take(store)
    assert finish(store, job)
    until(lambda: [line for line in tracing() if line["event"] == "trace.not_sent"])
    receiver.status = 200
    (later,) = submit(store, new(traceparent=traceparent()))
    (job,) = take(store)
    assert finish(store, job)
    until(lambda: receiver.of(later))
    assert receiver.of(refused) == [], "what was not taken is not told later"


def test_without_an_endpoint_it_does_not_run() -> None:
    environ = {"PATH": os.environ["PATH"]}
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.trace"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 4
    assert ended.stderr.startswith("HEADRACE_OTLP_ENDPOINT is not set")
