"""Redis' clock jumps by hours while tasks run: no time is told before the one it follows, no duration is negative."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import verbs
from pipeline.record import Task
from pipeline.store import Store
from tests import servers
from tests.pipeline.steps import SHARE, finish, new, run_all, submit, take

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed (apt-get install faketime)")

HOURS = 3_600_000
Jump = Callable[[float], None]


# On Valkey alone: the Redis of Debian does not start under libfaketime (its allocator asks for the time too early).
@pytest.fixture
def jumping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, Jump, Any]]:
    """A store whose server's clock is ours plus so many hours as the test says."""
    offset = tmp_path / "offset"

    def jump(hours: float) -> None:
        before = store.do(verbs.clock())
        offset.with_suffix(".new").write_text(f"{hours * 3600:+.0f}\n")
        offset.with_suffix(".new").rename(offset)
        deadline = time.monotonic() + 60
        while abs(store.do(verbs.clock()) - before) < HOURS / 2:  # it reads its clock once a turn
            assert time.monotonic() < deadline, "the server's clock does not follow the file"
            time.sleep(0.01)

    offset.write_text("+0\n")
    environment = {"LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    for name, value in (environment | {"DONT_FAKE_MONOTONIC": "1"}).items():
        monkeypatch.setenv(name, value)
    server = servers.Server(tmp_path / "store", servers.binaries()["valkey"]).start()
    for name in environment:
        monkeypatch.delenv(name)
    store = Store(server.settings(), "test")
    store.do(verbs.ready())
    with server.client() as hands:
        yield store, jump, hands
    store.close()
    server.kill()


def told(store: Store, id: str) -> Task:
    task = store.do(verbs.task(id))
    assert task is not None
    return task


def in_order(task: Task) -> bool:
    times = [
        task.submitted_at,
        task.started_at or task.submitted_at,
        task.finished_at or task.started_at or task.submitted_at,
    ]
    return times == sorted(times) and (task.expires_at is None or task.expires_at >= times[-1])


@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("parts", [1, 5])
def test_a_jump_between_submit_take_and_finish(jumping: tuple[Store, Jump, Any], parts: int, hours: int) -> None:
    """Back and forth at each step: shown times keep their order, nothing is below 0."""
    store, jump, hands = jumping
    ids = submit(store, new(parts=parts), new(parts=parts))
    jump(hours)
    (first,) = take(store, 1)
    assert first.waited_ms >= 0
    assert all(in_order(told(store, id)) for id in ids)
    assert finish(store, first)
    jump(0)
    for job in take(store, 3):
        assert job.waited_ms >= 0
        assert finish(store, job)
    jump(hours)
    run_all(store)
    assert [told(store, id).state for id in ids] == ["succeeded"] * 2
    assert all(in_order(told(store, id)) for id in ids)
    assert all(in_order(task) for task in store.do(verbs.page()).tasks)
    fields = [field for key in hands.scan_iter("{headrace}:minute:*") for field in hands.hkeys(key)]
    buckets = [int(field.rsplit(":", 1)[1]) for field in fields if ":waited:" in field or ":ran:" in field]
    assert buckets
    assert all(0 <= bucket <= 160 for bucket in buckets)  # 160: some 21 hours
    assert all(span["ran_ms"] >= 0 for id in ids for span in store.do(verbs.spans(id, 100)))
    assert store.do(verbs.drained()) >= 0


def test_a_jump_back_does_not_hold_up_retries_for_hours(jumping: tuple[Store, Jump, Any]) -> None:
    """The pause of a retry was written by a clock that was ahead: `repair` sees that no pause is that long."""
    store, jump, _ = jumping
    (id,) = submit(store, new())
    jump(5)
    (job,) = take(store)
    assert store.do(verbs.retry(job, {"code": "child_died"}, 1000, 3, "c1", 0, 1.0, SHARE)) == "later"
    jump(0)
    assert store.do(verbs.repair([id], SHARE)) == 1
    assert store.do(verbs.promote(10, SHARE)) == 1
    assert [job.task for job in run_all(store)] == [id]


def test_a_jump_forward_of_the_store_loses_nothing(jumping: tuple[Store, Jump, Any]) -> None:
    """Leases look abandoned, so jobs are put again: an interruption, and the first holder is told lost."""
    store, jump, _ = jumping
    (id,) = submit(store, new())
    (first,) = take(store)
    jump(5)
    assert len(store.do(verbs.reap(10_000, 10, 10, 0, SHARE))) == 1
    assert not finish(store, first)
    run_all(store)
    assert (told(store, id).state, told(store, id).interruptions) == ("succeeded", 1)


def test_this_machines_own_clock_is_never_asked(jumping: tuple[Store, Jump, Any]) -> None:
    """I15: what is scheduled by the store's clock is due by the store's clock."""
    store, jump, _ = jumping
    jump(5)
    now = store.do(verbs.clock())
    (due, not_due) = submit(store, new(not_before_ms=now + 2 * HOURS), new(not_before_ms=now + 9 * HOURS))
    assert os.environ.get("FAKETIME_TIMESTAMP_FILE") is None
    jump(8)
    assert store.do(verbs.promote(10, SHARE)) == 1
    assert (told(store, due).state, told(store, not_due).state) == ("queued", "scheduled")
