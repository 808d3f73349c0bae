"""`make inspect`: for each question that people ask of the store, the redis-cli line to type and its answer now.

Only commands that read, none that walks all keys. Where redis-cli is not installed the same words go through our own
connection, so the answers are there all the same. docs/inspect.md is this list; a test compares the two.
"""

import shutil
import subprocess
import sys
from typing import Any

from msgspec import Struct

from deploy import stack
from pipeline import verbs
from pipeline.errors import PipelineError
from pipeline.keys import Keys
from pipeline.store import Store

MOST_LINES = 12


class Question(Struct, frozen=True):
    """What people ask, and the words of the Redis command that answers. `TASK` stands for the newest task."""

    asked: str
    words: tuple[str, ...]


def questions(keys: Keys, task: str) -> list[Question]:
    """All questions, about the newest task where they are about one."""
    medium, state = keys("jobs", "medium"), lambda name: keys("index_state", name)
    owner = keys("index_owner", "local", "succeeded")
    return [
        Question(
            "What is this task, who took it, when?",
            ("HMGET", keys("task", task), "state", "kind", "consumer", "submitted_at", "started_at", "finished_at"),
        ),
        Question("What was unusual in its life? (retry, release, reap, bury)", ("LRANGE", keys("history", task), "0", "-1")),
        Question("Its result?", ("HGET", keys("task", task), "result")),
        Question("When is it forgotten? (seconds)", ("TTL", keys("task", task))),
        Question("Its jobs in being, if it has many parts?", ("HGETALL", keys("rows", task))),
        Question("How many jobs stand on a stream, waiting and held?", ("XLEN", medium)),
        Question("How many of them are held, by whom?", ("XPENDING", medium, "consumers")),
        Question("Which are held and idle for more than 30 s?", ("XPENDING", medium, "consumers", "IDLE", "30000", "-", "+", "10")),
        Question("The oldest job on the stream? (its id begins with its time in ms)", ("XRANGE", medium, "-", "+", "COUNT", "1")),
        Question("Which consumers are there?", ("XINFO", "CONSUMERS", medium, "consumers")),
        Question("The five newest finished tasks of an owner?", ("ZREVRANGEBYLEX", owner, "+", "-", "LIMIT", "0", "5")),
        Question("How many tasks have failed?", ("ZCARD", state("failed"))),
        Question("How many run, how many wait?", ("ZCARD", state("running"))),
        Question("… that wait", ("ZCARD", state("queued"))),
        Question("Dead letters, newest first, with their cause?", ("XREVRANGE", keys("dead"), "+", "-", "COUNT", "5")),
        Question("What waits for its time? (retries, scheduled tasks; score in ms)", ("ZRANGE", keys("later"), "0", "4", "WITHSCORES")),
        Question("How many jobs of each owner are in being?", ("HGETALL", keys("shares"))),
        Question("How many tasks of an owner stand behind its share?", ("LLEN", keys("ring", "medium", "local"))),
        Question("What has just happened?", ("XREVRANGE", keys("events"), "+", "-", "COUNT", "3")),
        Question("Which process computed what, when, how long?", ("XREVRANGE", keys("spans"), "+", "-", "COUNT", "3")),
    ]  # fmt: skip


def typed(words: tuple[str, ...], url: str = "redis://127.0.0.1:6390/0") -> str:
    """The line as one types it in a shell."""
    return f"redis-cli -u {url} " + " ".join(f"'{word}'" if "{" in word else word for word in words)


def answer(store: Store, url: str, words: tuple[str, ...]) -> str:
    """What Redis says: by redis-cli, or over our own connection in the same shape."""
    client = shutil.which("redis-cli")
    if client:
        return subprocess.run([client, "-u", url, *words], capture_output=True, text=True, check=True).stdout.rstrip()
    return "\n".join(_lines(store.raw(*words)))


def _lines(reply: Any) -> list[str]:
    if isinstance(reply, list):
        return [line for item in reply for line in _lines(item)]
    return [reply.decode() if isinstance(reply, bytes) else "" if reply is None else str(reply)]


def main() -> int:
    """Print all questions, lines and answers. 0, or 1 when the store does not answer."""
    settings = stack.read().settings
    store = Store(settings, "inspect")
    try:
        page = store.do(verbs.page(limit=1))
        for question in questions(store.keys, page.tasks[0].id if page.tasks else "TASK"):
            lines = answer(store, settings.redis_url, question.words).splitlines() or ["(nothing)"]
            cut = [*lines[:MOST_LINES], "…"] if len(lines) > MOST_LINES else lines
            sys.stdout.write(f"\n{question.asked}\n  {typed(question.words, settings.redis_url)}\n")
            sys.stdout.writelines(f"    {line[:160]}\n" for line in cut)
    except PipelineError as away:
        sys.stderr.write(f"The store does not answer: {away}\nStart everything:  make up\n")
        return 1
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
