"""The contract of the lines: what the code can write stands in docs/logs.md, and nothing else does."""

import re

import pytest

from consumer.outcome import EVENTS
from deploy import sql
from deploy.audit import bodies
from deploy.stack import ROOT
from gateway.lines import SubmittedLine
from pipeline.log import Common, Line
from pipeline.trail import Action, Ended, Place
from tests.inspect.written import nginx_fields, written

PAGE = (ROOT / "docs" / "logs.md").read_text()
FRONT = {"ts", "level", "event", "service", "pid"}
OURS = {"instance", "version"}  # of gateways and consumers
ABOUT = {"request_id", "trace_id", "task_id"}
# Section → where its lines are written.
SECTIONS = {
    "Consumer: everything else": ("consumer/",),
    "Gateway": ("gateway/",),
    "Webhooks": ("webhooks/",),
    "Gateway, consumer and webhooks: whoever asks the store": ("pipeline/",),
    "supervisor": ("deploy/watch.py",),
    "audit": ("deploy/audit/",),
    "trace": ("deploy/trace.py",),
    "sync": ("deploy/sync.py",),
}
STATES = ("starting", "running", "stopping", "stopped", "exited", "backoff", "fatal", "unknown")


def section(heading: str) -> str:
    """The text under a heading."""
    return re.split(r"^### ", PAGE.split(f"### {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def code(text: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9_.]+)`", text))


def rows(heading: str) -> list[tuple[set[str], set[str]]]:
    """The rows of a section's tables: what the first cell names, what the last one does."""
    cells = [line.strip("|").split(" | ") for line in section(heading).splitlines() if line.startswith("| `")]
    return [(code(row[0]), code(row[-1]) if len(row) == 3 else set()) for row in cells]


def events(heading: str) -> dict[str, set[str]]:
    """Event → the fields of its own, as the page tells them. Told twice, it has those of both."""
    found: dict[str, set[str]] = {}
    for names, fields in rows(heading):
        for name in names:
            if "." in name or name == "http":
                found[name] = found.get(name, set()) | fields
    return found


def of_code(places: tuple[str, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path, event, fields in written():
        if path.startswith(places):
            for name in [event.replace("*", state) for state in STATES] if "*" in event else [event]:
                found[name] = found.get(name, set()) | (fields - FRONT - OURS - ABOUT)
    return found


def test_the_page_names_the_fields_of_every_line() -> None:
    named = set().union(*(names for names, _ in rows("In every line")))
    assert named == FRONT | OURS | ABOUT
    assert set(Common.__struct_fields__) == (named | {"kind"})


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_event_and_its_fields_are_those_of_the_code(heading: str) -> None:
    told, found = events(heading), of_code(SECTIONS[heading])
    if heading == "Gateway":
        own = set(SubmittedLine.__struct_fields__) - FRONT - OURS - ABOUT
        found["task.submitted"] = own
    if heading == "audit":
        told = {name: fields for name, fields in told.items() if name not in chained()}
        found = {name: fields for name, fields in found.items() if name not in chained()}
    if heading == "supervisor":  # the page tells of `retry_s` where it can be
        for name in found:
            if name.startswith("program.") and name != "program.fatal":
                found[name] -= {"retry_s"}
    assert set(told) == set(found)
    for name, fields in found.items():
        assert told[name] == fields, name


def test_the_line_of_a_job_is_told_field_by_field() -> None:
    names = set().union(*(names for names, _ in rows("Consumer: the line of a job")))
    fields = {name for name in names if "." not in name}
    assert fields == set(Line.__struct_fields__) - FRONT - OURS - ABOUT
    assert names - fields == {event for event, _ in EVENTS.values()} | {"job.lost"}


def test_nginx_writes_the_fields_of_its_table() -> None:
    told = set().union(*(names for names, _ in rows("nginx")))
    assert told == nginx_fields() - FRONT - ABOUT


# ── the audit's chain: its lines are made from what they are about, so they are made here ──

TEXTS = "kind owner by sha256 priority batch rerun_of request_id consumer data result".split()  # noqa: SIM905
NUMBERS = "seed parts submitted_at started_at finished_at attempts interruptions".split()  # noqa: SIM905
RECORD = {
    **{name.encode(): b"text" for name in TEXTS},
    **{name.encode(): b"7" for name in NUMBERS},
    b"versions": b'{"kind":1,"package":"1"}',
    b"traceparent": b"00-%b-%b-01" % (b"a" * 32, b"b" * 16),
    b"error": b'{"code":"c"}',
}
WORDS = {
    "action": "a", "by": "b", "request_id": "r", "batch": "b", "priority": "p", "reason": "r", "letter_id": "l",
    "key_id": "k", "secret_id": "s", "role": "r", "owner": "o", "kind": "k", "state": "s", "task": "t",
}  # fmt: skip
CHAIN = {"seq", "after", "previous", "sha256"}


def chained() -> dict[str, set[str]]:
    """Event → every field that its line can have."""
    place = Place("1-0/1", "0-0")
    task = Ended("1-0/1", "T", "s")
    noted = bodies.noted("audit.gap", place, 1, reason="r", tasks=1)
    lines = [bodies.ended(task, RECORD, place, "record"), bodies.ended(task, {}, place)]
    lines.append(bodies.did(Action("1-0", WORDS), place))
    found: dict[str, set[str]] = {}
    for line in [*lines, noted, bodies.noted("audit.began", place, 1)]:
        event = str(line["event"])
        found[event] = found.get(event, set()) | set(line) - FRONT - ABOUT - CHAIN
    return found


def test_the_lines_of_the_chain_are_told_field_by_field() -> None:
    told = events("audit")
    for name, fields in chained().items():
        its = {"its_request_id", "its_by"} if name == "person.did" else set()
        assert told[name] - its == fields, name
    assert set().union(*(names for names, _ in rows("audit"))) >= CHAIN


# ── the same names in SQL and in LogQL ──


def all_fields() -> set[str]:
    named = FRONT | OURS | ABOUT | CHAIN | nginx_fields() | set(Line.__struct_fields__)
    for heading in SECTIONS:
        named |= set().union(*events(heading).values())
    return named


def test_a_column_of_sql_is_a_field_of_the_page() -> None:
    assert set(sql.COLUMNS) == all_fields()


def test_loki_is_asked_for_fields_and_events_that_there_are() -> None:
    table = PAGE.split("## In Loki")[1].split("## Fields")[0]
    asked = re.findall(r"\| `(.+)` \|$", table, re.MULTILINE)
    assert len(asked) == 18
    for query in asked:
        names = set(re.findall(r"(\w+)(?:=~|!=|=| >)", query)) | set(re.findall(r"unwrap (\w+)", query))
        names |= {name for group in re.findall(r"by \(([\w, ]+)\)", query) for name in group.split(", ")}
        assert names <= all_fields(), query
        known = {*events("audit"), *events("Gateway"), *events("Consumer: everything else")}
        assert set(re.findall(r'event="([\w.]+)"', query)) <= known


def test_vector_makes_labels_of_service_and_level_alone() -> None:
    text = (ROOT / "deploy" / "vector" / "vector.yaml").read_text()
    labels = text.split("    labels:\n")[1].split("    encoding:")[0]
    assert re.findall(r"^      (\w+):", labels, re.MULTILINE) == ["service", "level"]
    for pattern in ("log/*.jsonl", "audit/*.jsonl"):
        assert f"${{HEADRACE_VAR}}/{pattern}" in text
