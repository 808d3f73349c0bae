"""The audit on real stores: what it says, and that it says it once and whole whatever is killed, trimmed or cut off."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from deploy.audit.chain import Chain
from deploy.audit.follow import Follower
from deploy.audit.verify import Known, Verdict, verify
from deploy.stack import ROOT
from pipeline import apikeys, trail, verbs
from pipeline.record import Pause
from pipeline.store import Store
from tests.inspect.filled import fill
from tests.pipeline.steps import SHARE, finish, new, submit, take
from tests.servers import Server

Lines = list[dict[str, Any]]
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def told(folder: Path) -> Lines:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def follow(store: Store, folder: Path) -> Lines:
    """Start it, let it read to the end, stop it; all that it has written by then."""
    follower = Follower(store, folder)
    while follower.step():
        pass
    follower.close()
    return told(folder)


def check(store: Store, folder: Path) -> Verdict:
    head = store.do(trail.head())
    return verify(folder, [Known(head.seq, head.sha256, "the store's anchor")])


def ended(lines: Lines) -> Counter[str]:
    return Counter(line["task_id"] for line in lines if line["event"] == "task.ended")


# ── what it says ──


def test_a_task_is_told_as_its_record_tells_it(store: Store, tmp_path: Path) -> None:
    about = {"owner": "ann", "by": "key K1", "seed": 7, "request_id": "r-12345678", "traceparent": TRACE, "batch": "B1"}
    (id,) = submit(store, new(kind="a", versions='{"kind":3,"package":"9.9"}', sha256="5" * 64, **about))
    (job,) = take(store)
    assert finish(store, job, b'{"answer":42}')
    (line,) = [line for line in follow(store, tmp_path) if line["event"] == "task.ended"]
    record = store.do(verbs.task(id))
    assert record is not None
    assert record.started_at is not None
    assert record.finished_at is not None
    expected = {
        "level": "info", "service": "audit", "task_id": id, "state": "succeeded", "owner": "ann", "by": "key K1",
        "kind": "a", "kind_version": 3, "version": "9.9", "input_sha256": "5" * 64, "seed": 7, "parts": 1,
        "result_sha256": hashlib.sha256(b'{"answer":42}').hexdigest(), "result_bytes": 13, "input_bytes": 11,
        "request_id": "r-12345678", "trace_id": "a" * 32, "batch_id": "B1", "priority": "medium", "attempts": 1,
        "consumer": "c1", "waited_ms": record.started_at - record.submitted_at,
        "ran_ms": record.finished_at - record.started_at,
    }  # fmt: skip
    assert {name: line[name] for name in expected} == expected
    assert list(line)[:5] == ["seq", "ts", "level", "event", "service"]
    assert list(line)[-3:] == ["after", "previous", "sha256"]
    assert check(store, tmp_path).wrong == []


def test_every_end_is_told_once_whoever_caused_it(store: Store, hands: redis.Redis, tmp_path: Path) -> None:
    filled = fill(store, hands)
    lines = follow(store, tmp_path)
    outcomes = {line["task_id"]: (line["state"], line.get("error_code")) for line in lines if "state" in line}
    assert outcomes == {
        filled.done: ("succeeded", None),
        filled.refused: ("failed", "not_psd"),
        filled.broke: ("failed", "internal_error"),
        filled.buried: ("failed", "child_died"),
        filled.cancelled: ("cancelled", None),
    }
    assert set(ended(lines).values()) == {1}
    assert follow(store, tmp_path) == lines, "there is nothing new"


def test_what_people_do_is_told_by_the_script_that_did_it(store: Store, tmp_path: Path) -> None:
    text, key = apikeys.make("operator", "*", "")
    assert store.do(verbs.keep_apikey(key, "ann"))
    assert store.do(verbs.pause("low", Pause("bob", "month end", 1), "r-pause-1")) == "ok"
    assert store.do(verbs.resume("low", "bob", "r-resume"))
    assert not store.do(verbs.resume("low", "bob", "r-resume")), "it was not paused: nothing was done"
    cancelled, purged = submit(store, new(), new(batch="B7"))
    assert store.do(verbs.cancel(cancelled, SHARE, "eve", "r-cancel", "wrong curve")) == "ok"
    assert store.do(verbs.cancel(cancelled, SHARE, "eve", "r-cancel")) == "cancelled"
    (job,) = take(store)
    assert finish(store, job, b"{}")
    assert store.do(verbs.purge(purged, "eve", "r-purge", hashlib.sha256(b"{}").hexdigest())) == "ok"
    store.do(verbs.cancel_batch("B7", "", 10, SHARE, "eve", "r-batch"))
    assert store.do(verbs.remove_apikey(key.id, "ann"))
    lines = follow(store, tmp_path)
    did = [line for line in lines if line["event"] == "person.did"]
    assert [(line["action"], line["by"], line.get("request_id")) for line in did] == [
        ("key.make", "ann", None),
        ("queue.pause", "bob", "r-pause-1"),
        ("queue.resume", "bob", "r-resume"),
        ("task.cancel", "eve", "r-cancel"),
        ("task.purge", "eve", "r-purge"),
        ("key.remove", "ann", None),
    ]
    assert (did[0]["key_id"], did[0]["role"], did[0]["owner"]) == (key.id, "operator", "*")
    assert text not in json.dumps(lines), "a key's secret is nobody's business"
    assert (did[3]["task_id"], did[3]["was"], did[3]["reason"]) == (cancelled, "queued", "wrong curve")
    assert did[4]["input_sha256"] == "0" * 64, "the purge tells what its record told"
    assert did[4]["result_sha256"] == hashlib.sha256(b"{}").hexdigest()
    (late,) = [line for line in lines if line.get("task_id") == purged and line["event"] == "task.ended"]
    assert (late["state"], late["reason"]) == ("succeeded", "its record was gone before it was read")


# ── whatever is killed ──


@pytest.fixture
def writer(store: Store, any_server: Server, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the program, as supervisord would."""
    environ = {"HEADRACE_REDIS_URL": any_server.url, "PATH": os.environ["PATH"]}
    begun: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "deploy.audit", "run", str(tmp_path / "audit")]
        begun.append(subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def until(there: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := there()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def work(store: Store, tasks: int) -> list[str]:
    """Tasks that end, some together in one event."""
    ids = submit(store, *[new() for _ in range(tasks)], share=1000)
    for job in take(store, tasks, share=1000):
        assert finish(store, job, b"%d" % random.randrange(9), share=1000)
    return ids


def test_killed_at_any_moment_it_loses_nothing_and_writes_nothing_twice(
    store: Store, writer: Callable[[], subprocess.Popen[bytes]], tmp_path: Path, first_seed: int
) -> None:
    """Killed while it reads, writes, anchors; six times. The last one is asked politely, and reads to the end."""
    print(f"--seed {first_seed}")
    chance = random.Random(first_seed)
    ids: list[str] = []
    for _ in range(6):
        program = writer()
        written = len(told_or_none(tmp_path / "audit"))
        for _ in range(chance.randrange(1, 5)):
            ids += work(store, 25)
        if chance.random() < 0.7:  # else before it has begun
            until(lambda before=written: len(told_or_none(tmp_path / "audit")) > before)
            time.sleep(chance.random() * 0.05)
        program.send_signal(signal.SIGKILL)
        program.wait()
    program = writer()
    ids += work(store, 10)
    until(lambda: set(ids) <= set(ended(told_or_none(tmp_path / "audit"))))
    ids += work(store, 10)
    program.terminate()
    assert program.wait(60) == 0
    assert ended(told(tmp_path / "audit")) == Counter(ids)
    verdict = check(store, tmp_path / "audit")
    assert (verdict.wrong, verdict.told, verdict.first) == ([], [], 1)


def told_or_none(folder: Path) -> Lines:
    """Lines that are whole: one may be in the making."""
    texts = [path.read_bytes() for path in sorted(folder.glob("*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.split(b"\n")[:-1]]


def test_two_programs_do_not_write_one_audit(
    store: Store, writer: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    writer()
    until(lambda: told_or_none(tmp_path / "audit"))
    second = writer()
    _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert json.loads(said)["event"] == "audit.refused"


@pytest.mark.parametrize("torn", [b'{"seq":9,"ts', b"\0" * 300, b'{"seq":3}\n' + b"\0" * 80])
def test_what_a_machines_fall_left_behind_the_last_line_is_cut_off(store: Store, tmp_path: Path, torn: bytes) -> None:
    work(store, 3)
    before = follow(store, tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(torn)
    assert follow(store, tmp_path) == before
    (more,) = work(store, 1)
    assert [line.get("task_id") for line in follow(store, tmp_path)[len(before) :]] == [more]
    assert check(store, tmp_path).wrong == []


def test_written_and_not_anchored_is_kept(store: Store, hands: redis.Redis, tmp_path: Path) -> None:
    """Killed between the disk and the store."""
    ids = work(store, 5)
    lines = follow(store, tmp_path)
    hands.delete(store.keys("audithead"))
    assert check(store, tmp_path).wrong == []
    assert follow(store, tmp_path) == lines
    assert store.do(trail.head()).seq == lines[-1]["seq"]
    assert ended(lines) == Counter(ids)


def test_files_follow_one_another(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.audit.chain.MOST_BYTES", 2_000)
    ids: list[str] = []
    for _ in range(4):
        ids += work(store, 3)
        lines = follow(store, tmp_path)
    assert ended(lines) == Counter(ids)
    names = [path.name for path in sorted(tmp_path.glob("*.jsonl"))]
    assert len(names) > 1
    assert names[0] == "000000000001.jsonl"
    assert check(store, tmp_path).wrong == []
    (tmp_path / names[1]).unlink()
    assert check(store, tmp_path).wrong[0].endswith(f"line {int(names[2][:12])} follows line {int(names[1][:12]) - 1}")
    (tmp_path / names[0]).unlink()
    assert "those before it are not here" in " ".join(check(store, tmp_path).wrong)


# ── gaps ──


def test_events_that_went_unread_are_made_up_for_from_the_records(
    store: Store, hands: redis.Redis, tmp_path: Path
) -> None:
    """The stream was trimmed while nobody read. What records still tell is told, once, and the gap is named."""
    seen = work(store, 3)
    follow(store, tmp_path)
    missed = work(store, 40)
    (waits,) = submit(store, new())
    hands.xtrim(store.keys("events"), maxlen=1, approximate=False)
    (job,) = take(store)
    assert job.task == waits
    first = store.do(verbs.clock())
    until(lambda: store.do(verbs.clock()) > first)  # what ends in the first event's own millisecond, records tell too
    assert finish(store, job)
    lines = follow(store, tmp_path)
    assert ended(lines) == Counter([*seen, *missed, waits])
    assert {line["task_id"] for line in lines if line.get("source") == "record"} == set(missed)
    (gap,) = [line for line in lines if line["event"] == "audit.gap"]
    assert (gap["tasks"], gap["level"]) == (40, "warning")
    verdict = check(store, tmp_path)
    assert verdict.wrong == []
    assert len(verdict.told) == 1, "a gap is no fault of the chain, but it is said"
    assert follow(store, tmp_path) == lines


def test_a_store_that_was_emptied_is_a_gap_and_the_audit_goes_on(
    store: Store, hands: redis.Redis, tmp_path: Path
) -> None:
    first = work(store, 3)
    follow(store, tmp_path)
    hands.flushall()
    store.do(verbs.ready())
    second = work(store, 2)
    lines = follow(store, tmp_path)
    assert ended(lines) == Counter([*first, *second])
    assert [line["event"] for line in lines].count("audit.gap") == 1
    assert check(store, tmp_path).wrong == []


# ── whoever touches it ──


@pytest.fixture
def written(store: Store, tmp_path: Path) -> Path:
    """Nine lines and their anchor."""
    work(store, 8)
    assert len(follow(store, tmp_path)) == 9
    return next(tmp_path.glob("*.jsonl"))


def changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[4].replace(b'"local"', b'"other"'), *lines[5:]]


def spaced(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[4].replace(b',"ts"', b', "ts"'), *lines[5:]]


def forged(lines: list[bytes]) -> list[bytes]:
    """Changed by somebody who knows how a line is hashed."""
    opened = lines[4].replace(b'"local"', b'"other"').rpartition(b',"sha256":"')[0]
    return [*lines[:4], opened + b',"sha256":"' + hashlib.sha256(opened).hexdigest().encode() + b'"}\n', *lines[5:]]


TOUCHES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "a changed line": (changed, ":5: this line is not what it was"),
    "a space more": (spaced, ":5: this line is not what it was"),
    "a forged line": (forged, ":6: line 6 was written after another line"),
    "a line gone": (lambda lines: [*lines[:4], *lines[5:]], ":5: line 6 follows line 4"),
    "the first line gone": (lambda lines: lines[1:], "the chain begins at line 2"),
    "two lines swapped": (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], ":4: line 5 follows line 3"),
    "a line twice": (lambda lines: [*lines[:4], lines[3], *lines[4:]], ":5: line 4 follows line 4"),
    "the last line gone": (lambda lines: lines[:-1], "the end is missing: line 9, of which the store's anchor knows"),
    "half of it gone": (lambda lines: lines[:4], "the end is missing: lines 5 to 9"),
    "a byte less": (lambda lines: [*lines[:-1], lines[-1][:-1]], "the end is missing: line 9"),
    "nothing left": (lambda lines: [], "the end is missing: lines 1 to 9"),
    "something else put in": (lambda lines: [*lines[:4], b"{}\n", *lines[4:]], ":5: this line is not what it was"),
}


@pytest.mark.parametrize("name", TOUCHES)
def test_whoever_touches_a_line_is_found(store: Store, written: Path, name: str) -> None:
    touch, said = TOUCHES[name]
    assert check(store, written.parent).wrong == []
    written.write_bytes(b"".join(touch(written.read_bytes().splitlines(keepends=True))))
    assert any(said in wrong for wrong in check(store, written.parent).wrong), check(store, written.parent).wrong


def test_who_writes_the_whole_chain_anew_is_found_by_the_anchor_and_by_what_was_written_down(
    store: Store, written: Path, tmp_path: Path
) -> None:
    """And who can write the store too is found by a number and a hash that somebody keeps elsewhere."""
    noted = store.do(trail.head())
    bodies = [{**line, "owner": "other"} for line in told(written.parent)]
    written.unlink()
    chain = Chain(tmp_path, 0)
    chain.append([{k: v for k, v in body.items() if k not in ("seq", "previous", "sha256")} for body in bodies])
    chain.close()
    assert verify(tmp_path, []).wrong == [], "the new chain is whole in itself"
    assert "but the store's anchor knows" in check(store, tmp_path).wrong[0]
    elsewhere = [Known(noted.seq, noted.sha256, "what you gave")]
    assert "but what you gave knows" in verify(tmp_path, elsewhere).wrong[0]


def test_an_end_that_was_cut_off_is_said_by_the_audit_itself(store: Store, written: Path) -> None:
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:5]))
    after = follow(store, written.parent)
    assert after[5]["event"] == "audit.gap"
    assert after[5]["reason"].startswith("lines 6 to 9 are missing")
    assert after[5]["seq"] == 10
    assert ended(after) == ended([json.loads(line) for line in lines]), "what the events still tell is told again"
    assert ":6: line 10 follows line 5" in " ".join(check(store, written.parent).wrong)
