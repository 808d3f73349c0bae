"""What a hand can do to the store while Headrace runs: take away, write over, and put what is not ours.

Each act is a function of the client, a random source, and a live task. After those in `FATAL` a task may fail as lost
or be gone.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import redis

P = "{model}"
TASK, ROWS, PARTIALS = "{{model}}:task:{}", "{{model}}:task:{}:jobs", "{{model}}:task:{}:partials"
PLACES = ("high:again", "high", "medium:again", "medium", "low:again", "low")
# of os.system("id")
PICKLE = b"\x80\x04\x95\x1a" + bytes(7) + b"\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94."


class Victim(NamedTuple):
    """A live task that the hand meddles with."""

    id: str
    parts: int
    owner: str
    priority: str


Act = Callable[[redis.Redis, random.Random, Victim], Any]


def garbage(chance: random.Random, id: str) -> dict[Any, Any]:
    """Words of an entry that no task has put."""
    choices: list[dict[Any, Any]] = [
        {"x": "y"}, {"task": id}, {"job": "p0", "task": id}, {"task": f"{id}:history", "job": "p0", "of": "1"},
        {"task": f"{id}:jobs", "job": "p0", "of": "2"}, {"task": id, "job": "p99999", "of": "1"},
        {"task": "NOBODY", "job": "p0", "of": "1", "kind": "a", "owner": "x"}, {"task": id, "job": "os.system"},
        {b"\xff\xfe": PICKLE}, {"task": PICKLE, "job": "p0", "of": "1"}, {"task": "", "job": "", "of": ""},
        {"task": id, "job": "p" + "9" * 400, "of": "1"}, {"body": "z" * 5000}, {"task": id, "job": "r0", "of": "1"},
    ]  # fmt: skip
    return chance.choice(choices)


def entry(r: redis.Redis, chance: random.Random, v: Victim) -> tuple[str, str, dict[str, str]] | None:
    """Any entry of any stream."""
    stream = f"{P}:jobs:{chance.choice(PLACES)}"
    entries: Any = r.xrange(stream)
    return (stream, *chance.choice(entries)) if entries else None


def with_entry(do: Callable[[redis.Redis, str, str, dict[str, str]], Any]) -> Act:
    """An act on some entry, where there is one."""

    def act(r: redis.Redis, chance: random.Random, v: Victim) -> Any:
        found = entry(r, chance, v)
        return found and do(r, *found)

    return act


def one_of(key: str, only: str = "") -> Act:
    """Take one field (that begins so) out of a hash of the task."""

    def act(r: redis.Redis, chance: random.Random, v: Victim) -> Any:
        names: Any = r.hkeys(key.format(v.id))
        fields = [name for name in names if name.startswith(only)]
        return fields and r.hdel(key.format(v.id), chance.choice(sorted(fields)))

    return act


def other_type(key: str) -> Act:
    """The key becomes a list."""

    def act(r: redis.Redis, chance: random.Random, v: Victim) -> Any:
        if v.parts == 1 and key.endswith(":jobs"):
            return None
        r.delete(key.format(v.id))
        return r.rpush(key.format(v.id), "no", "hash")

    return act


def garbage_row(r: redis.Redis, chance: random.Random, v: Victim) -> Any:
    """A row that says nothing, or names what cannot be, or a job that cannot be."""
    rows = TASK if v.parts == 1 else ROWS
    text = chance.choice(
        ["", "x", "medium/later 0 0 -", "nowhere/1-1 0 0 -", "medium/99999999999999999999-1 0 0 c", "medium/a 1 1 c1"]
    )
    job = "p0" if v.parts == 1 else chance.choice(["p0", "p1", f"p{v.parts - 1}", "p99999", "r0", "r7", "x", "zzz"])
    return r.hset(rows.format(v.id), job, text)


NAMES, PLAN = ("x", "99999", "wave:9"), ("next", "done", "folded", "window", "first_wave")
MILD: dict[str, Act] = {
    "XDEL": with_entry(lambda r, stream, id, words: r.xdel(stream, id)),
    "XACK": with_entry(lambda r, stream, id, words: r.xack(stream, "consumers", id)),
    "copy": with_entry(lambda r, stream, id, words: r.xadd(stream, words)),  # type: ignore[arg-type]
    "garbage entry": lambda r, chance, v: r.xadd(f"{P}:jobs:{chance.choice(PLACES)}", garbage(chance, v.id)),
    "garbage row": garbage_row,
    "DEL rows": lambda r, chance, v: r.delete(ROWS.format(v.id)),
    "HDEL row": lambda r, chance, v: r.hdel(TASK.format(v.id), "p0") if v.parts == 1 else one_of(ROWS)(r, chance, v),
    "rows of another type": other_type(ROWS),
    "HDEL partial": one_of(PARTIALS),
    "garbage partial": lambda r, chance, v: v.parts > 1 and r.hset(PARTIALS.format(v.id), chance.choice(NAMES), "7"),
    "HDEL counter": one_of(PARTIALS, "wave:"),
    "HDEL ring mark": lambda r, chance, v: r.hdel(TASK.format(v.id), "ring"),
    "history of another type": lambda r, chance, v: r.set(f"{P}:task:{v.id}:history", "x", xx=True),
    "DEL shares": lambda r, chance, v: r.delete(f"{P}:shares"),
    "wrong share": lambda r, chance, v: r.hset(f"{P}:shares", f"{v.priority}:{v.owner}", chance.choice([-3, 1, 40])),
    "DEL later": lambda r, chance, v: r.delete(f"{P}:later"),
    "garbage in later": lambda r, chance, v: r.zadd(f"{P}:later", {chance.choice(["x", "a b c", f"{v.id} zzz"]): 1}),
    "DEL ring": lambda r, chance, v: r.delete(f"{P}:ring:{v.priority}:{v.owner}"),
    "LPOP ring": lambda r, chance, v: r.lpop(f"{P}:ring:{v.priority}:{v.owner}"),
    "garbage in the ring": lambda r, chance, v: r.rpush(f"{P}:ring:{v.priority}:{v.owner}", f"{v.id}:jobs", "a b"),
    "garbage in expires": lambda r, chance, v: r.zadd(f"{P}:expires", {chance.choice(["x", "a b c"]): 1}),
}  # fmt: skip
FATAL: dict[str, Act] = {
    "DEL partials": lambda r, chance, v: r.delete(PARTIALS.format(v.id)),
    "partials of another type": lambda r, chance, v: v.parts > 1 and other_type(PARTIALS)(r, chance, v),
    "HDEL accumulator": lambda r, chance, v: r.hdel(PARTIALS.format(v.id), "accumulator"),
    "HDEL data": lambda r, chance, v: r.hdel(TASK.format(v.id), "data"),
    "HDEL plan": lambda r, chance, v: r.hdel(TASK.format(v.id), chance.choice(PLAN)),
    "DEL record": lambda r, chance, v: r.delete(TASK.format(v.id)),
    "record of another type": other_type(TASK),
}  # fmt: skip
EVERYTHING = [*MILD, *MILD, *MILD, *FATAL]  # what leaves a task alive more often
GONE = ("DEL record", "record of another type")


def do(name: str, r: redis.Redis, chance: random.Random, v: Victim) -> Any:
    """One act; None where there was nothing to do it on."""
    try:
        return (MILD | FATAL)[name](r, chance, v)
    except redis.ResponseError:  # an earlier act has made the key another type
        return None
