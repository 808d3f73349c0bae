"""Logs stay readable whatever a child writes, and whenever it is killed."""

import json
import random
import time

import pytest

from calc import execute
from tests.consumer import house as houses
from tests.consumer.house import House, until
from tests.faults.settle import settled, submit_many

CHATTER = "tests.faults.kinds.chatter"


@pytest.fixture
def chatty(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose consumers know the kind that writes."""
    monkeypatch.setattr(houses, "KINDS", f"{houses.KINDS},{CHATTER}")
    if "chatter" not in execute.kinds():
        execute.load(CHATTER)
    return house


def test_children_that_write_and_are_killed_break_no_line(chatty: House, first_seed: int) -> None:
    """B73: 10 KB lines to every output, children killed at random: the consumer's log is whole JSON lines, no more."""
    rng = random.Random(first_seed)
    consumer = chatty.consumer(children=4, retry_pause_s=0.05, max_attempts=50).ready()
    ids = submit_many(chatty, 300, "chatter", lines=300)
    for _ in range(30):
        consumer.kill_a_child(rng)
        time.sleep(0.02)
    assert {task.state for task in settled(chatty, ids, 60)} == {"succeeded"}
    text = consumer.log_file.read_text()
    assert "xxxxxxxxxx" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"ts", "level", "event", "service", "pid"} <= set(line) for line in lines)
    done = [line["task_id"] for line in lines if line["event"] == "job.done"]
    assert sorted(done) == sorted(ids), "each line once, whoever died meanwhile"
    assert consumer.lines("job.died"), "no child died while it wrote"


def test_a_killed_consumer_loses_at_most_its_last_line(chatty: House) -> None:
    """B73: SIGKILL to the parent in full flow: what it wrote before is whole."""
    ids = submit_many(chatty, 2000, "noop")
    for _ in range(4):
        consumer = chatty.consumer(lease_s=1, children=2).ready()
        until(lambda consumer=consumer: consumer.lines("job.done", at_least=20) or len(consumer.lines()) > 3)
        consumer.kill()
        text = consumer.log_file.read_text()
        whole, _, rest = text.rpartition("\n")
        assert all(json.loads(line)["service"] == "consumer" for line in whole.splitlines())
        assert "\n" not in rest
    chatty.consumer(lease_s=1).ready()
    assert {task.state for task in settled(chatty, ids)} == {"succeeded"}
