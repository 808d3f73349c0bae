"""`python -m deploy.trace`: spans of tasks for OpenTelemetry, by OTLP over HTTP, where HEADRACE_OTLP_ENDPOINT says so.

    client's span ──traceparent──▶ headrace.task (accepted … ended) ──┬──▶ process headrace.jobs (a job in a child)
                                                                      └──▶ process headrace.jobs …

The W3C traceparent of a submission goes with its task through the store, so all of it can be told afterwards: this
follows the events as the audit does, and makes spans of those tasks that have ended, carried a traceparent, and are
sampled by it. Nobody who submits or computes waits for it or knows of it. Traces may be lost: what the receiver does
not take, and what ended while this was away, is not told later.

Names and attributes are those of OpenTelemetry's conventions for messaging, as far as they fit.
"""

import hashlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from deploy.line import write_line
from deploy.tell import ENVIRONMENT, complain
from pipeline import log, settings, trail, verbs
from pipeline.errors import PipelineError, SettingsError
from pipeline.store import Store
from pipeline.trail import Ended, Place, Record

PERIOD_S = 0.5
MOST_JOBS = 200  # spans of one task; those of its last jobs
LOOK = 2_000  # jobs that are looked through for those of one task
SEND_S = 5.0
SAMPLED = 1
WHOLE = 100_000  # more pairs than an entry of the events can have: all of it has been read
RESOURCE = Resource({"service.name": "headrace", "service.version": log.VERSION})
SCOPE = InstrumentationScope("headrace", log.VERSION)


class Said(logging.Handler):
    """What the exporter says of a failure: our line tells it, and nothing else is printed."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last."""
        self.text = record.getMessage()


SAID = Said(logging.WARNING)


def main() -> int:
    """Follow the events until SIGTERM."""
    try:
        mine = settings.read()
        endpoint = settings.deployment().otlp_endpoint
    except SettingsError as wrong:
        complain(str(wrong))
        return ENVIRONMENT
    if not endpoint:
        complain("HEADRACE_OTLP_ENDPOINT is not set: there is nobody to tell spans to.")
        return ENVIRONMENT
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(handlers=[SAID], force=True)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_S)
    store = Store(mine, "trace")
    place, away = None, False
    while not stop.is_set():
        try:
            place = _step(store, exporter, place) if place else _begin(store)
            away = False
        except PipelineError as cause:
            if not away:
                write_line("trace", "warning", "store.away", reason=str(cause))
            away = True
        stop.wait(PERIOD_S)
    store.close()
    exporter.shutdown()  # type: ignore[no-untyped-call]
    return 0


def newest(store: Store) -> Place:
    """From here on nothing is missed. Raises StoreAway."""
    return Place(f"{store.do(trail.read(Place())).newest}/{WHOLE}")


def _begin(store: Store) -> Place:
    """Find the place, and say that what ends from now on is told. Raises StoreAway."""
    place = newest(store)
    write_line("trace", "info", "trace.follows", after=place.events)
    return place


def _step(store: Store, exporter: OTLPSpanExporter, place: Place) -> Place:
    """Tell of what has ended since a place; the place then. Raises StoreAway."""
    read = store.do(trail.read(place))
    records = trail.records(store, read.tasks)
    spans = [span for task, record in zip(read.tasks, records, strict=True) for span in of_task(store, task, record)]
    if spans and exporter.export(spans) is not SpanExportResult.SUCCESS:
        write_line("trace", "warning", "trace.not_sent", spans=len(spans), reason=SAID.text)
    return Place(read.place if read.whole else f"{read.newest}/{WHOLE}")


def of_task(store: Store, task: Ended, record: Record) -> Iterator[ReadableSpan]:
    """The spans of a task and of its jobs; none of one that is not traced. Raises StoreAway."""
    theirs = parent(trail.text(record.get(b"traceparent", b"")))
    if theirs is None:
        return
    told = {name.decode(): trail.text(value) for name, value in record.items() if name not in (b"data", b"result")}
    submitted, finished = int(told["submitted_at"]), int(told["finished_at"])
    own = child_of(theirs, task.id)
    about = {"headrace.task_id": task.id, "headrace.kind": told["kind"], "headrace.owner": told["owner"]}
    about |= {"headrace.state": task.state, "headrace.request_id": told.get("request_id", "")}
    failed = task.state == "failed"
    yield _span("headrace.task", own, theirs, SpanKind.PRODUCER, submitted, finished, about, failed)
    for job in store.do(verbs.spans(task.id, LOOK))[:MOST_JOBS]:
        name = f"{task.id} {job['job']} {job['started_at']} {job['consumer']}"
        words: dict[str, Any] = {"messaging.system": "headrace", "messaging.operation.type": "process"}
        words |= {"messaging.destination.name": f"headrace.jobs.{told['priority']}"}
        words |= {"messaging.consumer.group.name": "consumers", "headrace.task_id": task.id}
        words |= {f"headrace.{field}": job[field] for field in ("job", "consumer", "child", "outcome")}
        start, end = job["started_at"], job["started_at"] + job["ran_ms"]
        broke = job["outcome"] != "done"
        yield _span("process headrace.jobs", child_of(own, name), own, SpanKind.CONSUMER, start, end, words, broke)


def parent(traceparent: str) -> SpanContext | None:
    """The client's span; None when there is none, or when it is not sampled."""
    pieces = traceparent.split("-")
    if len(pieces) != 4 or not log.trace_id(traceparent):
        return None
    _, trace, span, flags = (int(piece, 16) for piece in pieces)
    context = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))
    return context if context.is_valid and flags & SAMPLED else None


def child_of(above: SpanContext, name: str) -> SpanContext:
    """A span of the same trace. Its id follows from its name: told twice, it is one."""
    id = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) or 1
    return SpanContext(above.trace_id, id, is_remote=False, trace_flags=above.trace_flags)


def _span(
    name: str,
    own: SpanContext,
    above: SpanContext,
    kind: SpanKind,
    start_ms: float,
    end_ms: float,
    attributes: dict[str, Any],
    failed: bool,
) -> ReadableSpan:
    return ReadableSpan(
        name,
        own,
        above,
        RESOURCE,
        attributes,
        kind=kind,
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        start_time=round(start_ms * 1000) * 1000,
        end_time=round(max(start_ms, end_ms) * 1000) * 1000,
        instrumentation_scope=SCOPE,
    )


if __name__ == "__main__":
    sys.exit(main())
