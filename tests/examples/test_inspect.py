"""`make inspect`: every line is answered, by redis-cli and by our own connection, and the page shows the same lines."""

from pathlib import Path

import pytest

from examples import inspect
from pipeline import verbs
from pipeline.keys import Keys
from pipeline.store import Store
from tests.pipeline.steps import SHARE, finish, new, submit, take
from tests.servers import Server

PAGE = Path(__file__).parents[2] / "docs/inspect.md"
ERROR = {"code": "child_died", "message": "killed by signal 9"}


@pytest.fixture
def filled(store: Store) -> str:
    """A store with a bit of everything; answers the newest task."""
    for _ in range(3):
        submit(store, new())
    jobs = take(store, 3)
    assert finish(store, jobs[0])
    assert store.do(verbs.retry(jobs[1], ERROR, 0, 1, "c1", 0, 1.0, SHARE)) == "buried"
    assert store.do(verbs.retry(jobs[2], ERROR, 60_000, 3, "c1", 0, 1.0, SHARE)) == "later"
    return submit(store, new(parts=20))[0]


@pytest.mark.parametrize("with_client", [True, False], ids=["redis-cli", "own connection"])
def test_every_line_is_answered(
    filled: str, store: Store, any_server: Server, monkeypatch: pytest.MonkeyPatch, with_client: bool
) -> None:
    if not with_client:
        monkeypatch.setattr(inspect.shutil, "which", lambda name: None)
    said = {}
    for question in inspect.questions(store.keys, filled):
        said[question.asked] = inspect.answer(store, any_server.url, question.words)
        assert "ERR" not in said[question.asked], question
    assert said["How many tasks have failed?"] == "1"
    assert "killed by signal 9" in said["Dead letters, newest first, with their cause?"]
    assert said["How many jobs stand on a stream, waiting and held?"] == "8"
    assert said["How many jobs of each owner are in being?"].splitlines()[:2] == ["medium:local", "9"]


def test_only_reading_commands_are_printed() -> None:
    reading = {"HMGET", "HGET", "HGETALL", "LRANGE", "LLEN", "TTL", "XLEN", "XPENDING", "XRANGE", "XREVRANGE", "XINFO"}
    reading |= {"ZREVRANGEBYLEX", "ZCARD", "ZRANGE"}
    assert {question.words[0] for question in inspect.questions(Keys(), "TASK")} == reading


def test_the_page_shows_the_same_lines() -> None:
    page = PAGE.read_text()
    for question in inspect.questions(Keys(), "TASK"):
        assert question.asked in page
        assert inspect.typed(question.words) in page
