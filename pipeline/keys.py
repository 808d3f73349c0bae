"""Every Redis key of Headrace: name, type, who writes it, how long it lives.

No other file spells a key. Python asks `Keys(prefix).task(id)`; a Lua script writes `K.task(id)`
and `lua_names` puts the functions it uses in front of it. All keys of one pipeline share the
braces of its prefix, so they are on one slot of a cluster: that is why a script may touch keys
that are not in its KEYS.
"""

import re
from typing import NamedTuple

PREFIX = "{headrace}"
GROUP = "consumers"
PRIORITIES = ("high", "medium", "low")
# Where a job can be put: released, retried and reduce jobs go to `again`, which is read before the stream of new ones.
PLACES = tuple(f"{priority}{again}" for priority in PRIORITIES for again in (":again", ""))


class Key(NamedTuple):
    """One kind of key. `pattern` names its variable pieces in angle brackets."""

    name: str
    pattern: str
    type: str
    holds: str
    life: str  # "permanent", "TTL …", or who removes it (I6)


KEYS = (
    Key("jobs", "jobs:<place>", "stream", "one entry a job: task, job, of, kind, owner, request_id, traceparent", "permanent"),
    Key("task", "task:<id>", "hash", "the record of a task", "TTL from its end; until then its task owns it"),
    Key("rows", "task:<id>:jobs", "hash", "job → row, for a task of many parts", "removed when the task ends"),
    Key("partials", "task:<id>:partials", "hash", "part → partial, accumulator, wave:<k> → count", "removed when the task ends"),
    Key("history", "task:<id>:history", "list", "at most 64 lines of what was unusual", "TTL from the task's end"),
    Key("curve", "task:<id>:curve", "list", "at most 512 estimates of a task of many parts: parts folded, estimate as JSON", "TTL from the task's end"),
    Key("later", "later", "zset", "jobs, tasks, deadlines and time limits by their not-before time in ms", "permanent"),
    Key("ring", "ring:<priority>:<owner>", "list", "tasks of one owner with parts to issue", "removed when it is empty"),
    Key("shares", "shares", "hash", "<priority>:<owner> → jobs in being", "permanent"),
    Key("expires", "expires", "zset", "finished tasks by the time in ms they are forgotten", "permanent"),
    Key("dead", "dead", "stream", "dead letters", "permanent, capped at 10,000"),
    Key("events", "events", "stream", "task → what happened, one entry a script call", "permanent, capped at 100,000"),
    Key("spans", "spans", "stream", "who computed which job, from when, how long, with what outcome", "permanent, capped at 50,000"),
    Key("index_state", "index:state:<state>", "zset", "tasks in a state, ordered by id", "permanent"),
    Key("index_owner", "index:owner:<owner>:<state>", "zset", "an owner's tasks in a state", "permanent"),
    Key("index_kind", "index:kind:<kind>", "zset", "tasks of a kind", "permanent"),
    Key("index_batch", "index:batch:<batch>", "zset", "tasks of a batch", "removed with its last task"),
    Key("index_batches", "index:batches:<owner>", "zset", "an owner's batches by the time in ms their records go", "permanent"),
    Key("index_error", "index:error:<code>", "zset", "failed tasks by error code", "permanent"),
    Key("index_retried", "index:retried", "zset", "failed tasks that were tried again", "permanent"),
    Key("consumer", "consumer:<name>", "hash", "a consumer's heartbeat and what each child does", "TTL 15 s"),
    Key("gateways", "gateways", "hash", "name of a gateway → when it last said so, and what it says of itself as JSON", "permanent"),
    Key("starts", "starts", "stream", "starts of consumers and gateways: service, name, host, version", "permanent, capped at 1,000"),
    Key("idkey", "idkey", "string", "key of the hash in task ids, made once", "permanent"),
    Key("same", "same:<owner>:<key>", "hash", "idempotency: task or batch, sha256 of the request", "TTL 24 h, or 5 min for nginx's own of a batch"),
    Key("once", "once:<owner>:<key>", "string", "what nginx may send again: task, sha256 of the request", "TTL 5 min"),
    Key("minute", "minute:<minute>", "hash", "counters and histograms of one minute by kind", "TTL 8 d"),
    Key("batch", "batch:<batch>", "hash", "a batch: owner, label, created_at, lines, rejected, accepted", "TTL beyond its last task's"),
    Key("apikeys", "apikeys", "hash", "id of an API key → role, owner, label, sha256 as JSON", "permanent"),
    Key("rate", "rate:<owner>", "string", "when this owner's requests will have been paid for, in µs", "TTL of seconds"),
    Key("audit", "audit", "stream", "what people did: action, by, request_id, to what", "permanent, capped at 100,000"),
    Key("audithead", "audit:head", "hash", "how far the audit reaches: seq, sha256, events, actions, anchored_at", "permanent"),
    Key("exporter", "exporter", "string", "the gateway that exports the figures of the whole pipeline", "TTL of some scrapes"),
    Key("paused", "paused", "hash", "priority → who paused it and why", "permanent"),
    Key("webhooks", "webhooks", "zset", "<task or batch> <owner> of each delivery that is owed, by its next attempt in ms", "permanent"),
    Key("webhook", "webhook:<id>", "hash", "a delivery: where to, of what, and how it goes", "TTL 30 d while it is owed, then 7 d"),
    Key("webhook_secrets", "webhook_secrets", "hash", "owner → at most two secrets that sign, as JSON", "permanent"),
    Key("undelivered", "undelivered", "stream", "deliveries that were given up", "permanent, capped at 10,000"),
)  # fmt: skip
_BY_NAME = {key.name: key for key in KEYS}
_VARIABLE = re.compile(r"<(\w+)>")


class Keys:
    """The keys of one pipeline, each a method or attribute by its name in `KEYS`."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix

    def __call__(self, name: str, *pieces: str) -> str:
        filled = iter(pieces)
        return f"{self.prefix}:" + _VARIABLE.sub(lambda _: next(filled), _BY_NAME[name].pattern)

    def streams(self) -> list[str]:
        """The six job streams in the order in which `take` reads them."""
        return [self("jobs", place) for place in PLACES]

    def is_permanent(self, key: str) -> bool:
        """Whether this key may stand without a TTL while nothing runs (I6)."""
        rest = key.removeprefix(f"{self.prefix}:")
        return any(k.life.startswith("permanent") and _matches(k.pattern, rest) for k in KEYS)


def _matches(pattern: str, rest: str) -> bool:
    # The pieces of a pattern never hold a dot, so escaping the pattern leaves the brackets alone.
    return re.fullmatch(_VARIABLE.sub(".+", pattern), rest) is not None


def lua_types() -> str:
    """The Lua table `TYPES`: patterns of the names after the prefix, the type of each, and its name here, the longest
    first. Who may come in and what signs is not in it: a hand that has spoilt these is not to open a door."""
    by_length = sorted(KEYS, key=lambda key: -len(_VARIABLE.sub("", key.pattern)))
    rows = [
        f"{{'^{_VARIABLE.sub('.+', key.pattern)}$', '{key.type}', '{key.name}'}}"
        for key in by_length
        if key.name not in ("apikeys", "webhook_secrets")
    ]
    return f"local TYPES = {{{', '.join(rows)}}}\n"


def lua_names(source: str) -> str:
    """The Lua table `K` with just the keys that `source` names."""
    lines = ["local K = {}"]
    for key in KEYS:
        if not re.search(rf"\bK\.{key.name}\b", source):
            continue
        variables = _VARIABLE.findall(key.pattern)
        if not variables:
            lines.append(f"K.{key.name} = P .. ':{key.pattern}'")
            continue
        body = _VARIABLE.sub(lambda m: f"' .. {m[1]} .. '", f"':{key.pattern}'").replace(" .. ''", "")
        lines.append(f"K.{key.name} = function({', '.join(variables)}) return P .. {body} end")
    return "\n".join(lines) + "\n"
