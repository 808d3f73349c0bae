"""The model checker on the real scripts, and the proof that it is awake.

`HEADRACE_MODEL_SEED` is not needed: each run draws its seeds and a failure prints the one to try again:
`pytest tests/pipeline/test_model.py --seed 1234`.
"""

from collections.abc import Sequence

import pytest

from pipeline import script
from tests.pipeline import meddle, model
from tests.servers import Server

STEPS = 250
SEEDS = 4


@pytest.mark.parametrize("hand", [[], meddle.EVERYTHING], ids=["", "with a hand in the store"])
def test_invariants_hold_after_every_step(any_server: Server, first_seed: int, hand: list[str]) -> None:
    """Consumers that die, freeze, come back late and lose replies; clients that resubmit, cancel and purge."""
    did: dict[str, int] = {}
    for seed in range(first_seed, first_seed + SEEDS):
        for verb, n in model.run(any_server, seed, STEPS, hand).did.items():
            did[verb] = did.get(verb, 0) + n
    never = {
        "submit",
        "take",
        "finish_task",
        "finish_part",
        "fold",
        "retry",
        "release",
        "reap",
        "renew",
        "cancel",
    } - did.keys()
    assert not never, f"seeds from {first_seed}: these verbs never ran, so nothing was shown of them: {never}"


# One guard broken at a time: (script or piece, what stands there, what stands there instead).
MUTATIONS = {
    "the row is not compared": ("pieces/work", "row.token == token and row.holder ~= '-'", "row.token"),
    "only the holder is compared": ("pieces/work", "return row and row.token == token and row.holder", "return row and row.holder"),
    "the hot path does not compare": ("finish_task", "string.sub(row, 1, named) ~= token .. ' ' or", "row == '' or"),
    "cancel leaves the member in later": ("pieces/work", "if row.entry == 'later' then call('ZREM', K.later, t.id .. ' ' .. job) else", "if row.entry ~= 'later' then"),
    "the share is not given back": ("pieces/work", "  share(t, -n)\n", "  share(t, 0)\n"),
    "a freed slot is not given on": ("pieces/work", "    while not bare[ring] and in_being(s) < SHARE do", "    while false do"),
    "a wave is folded before it is full": ("pieces/work", "stored == finish - start and", ""),
    "the wave after the fold is forgotten": ("fold", "reduce_if_full(t)\n", ""),
    "release counts the attempt": ("release", "row.attempts - 1", "row.attempts"),
    "retry forgets the attempts": ("pieces/work", "'/later', row.attempts,", "'/later', 0,"),
    "reap counts an attempt": ("reap", "row.attempts - 1, row.interruptions + 1", "row.attempts, row.interruptions + 1"),
    "no bound ahead of the fold": ("pieces/work", "t.next < math.max(finish, folded_end + 2 * t.window) and", ""),
    "no window": ("pieces/work", " and waiting < t.window", ""),
    "a final task is cancelled": ("cancel", "if not (live(t) or t.state == 'scheduled') then return t.state end", ""),
    "the ring feeds dead tasks": ("pieces/work", "if live(t) then feed_next(t,", "if t then feed_next(t,"),
    "the same key does not replay": ("submit", "if stored[1] then return", "if false then return"),
    "what nginx sends again is another task": ("submit", "if task then return", "if false then return"),
    "the same id is written again": ("submit", "if (any or known[id]) and call('EXISTS', key) == 1 then return {'replay', id} end", ""),
    "the finished keep their jobs": ("pieces/work", "unput(t, job, row); n = n + 1", "n = n + 1"),
    "the end has no TTL": ("pieces/work", "  call('PEXPIRE', key, its.gone_ms)", "  --"),
    "the index does not move": ("pieces/work", "  index(id, owner, from, state)\n", ""),
    "a dead consumer's name goes with its jobs": ("remove_consumer", "then return 'holds' end", "then end"),
    "no time limit is put": ("take", "call('ZADD', K.later, t.limit_at, id .. ' limit')", ""),
    "the end leaves the time limit": ("pieces/work", "if t.limit_at then call('ZREM', K.later, t.id .. ' limit') end", ""),
    "the hot end leaves the time limit": ("finish_task", "call('ZREM', K.later, id .. ' limit')", ""),
    "the end owes nothing": ("pieces/work", "if t.webhook then owe(t.id, t.webhook) end", ""),
    "the hot end owes nothing": ("finish_task", "if v[10] then owe(id, v[10]) end", ""),
    "repair puts what is there": ("pieces/mend", "if not stored[part] and not found['p' .. part] then", "if not found['p' .. part] then"),
}  # fmt: skip
# The same for what a hand in the store needs, and the acts that show it.
MENDING = {
    "an orphan is begun": ("pieces/guard", "if row and row.token == place .. '/' .. entry then", "if row then", "copy"),
    "an orphan of one part is begun": ("take", "if v[1] ~= token .. ' 0 0 -' or v[2] ~= 'queued' or", "if", "copy"),
    "a record of another type stops take": ("pieces/work", "redis.pcall('HMGET', K.task(id), unpack(TASK))", "call('HMGET', K.task(id), unpack(TASK))", "record of another type"),
    "rows of another type stop the feed": ("pieces/work", "redis.pcall('HLEN', K.rows(t.id))", "call('HLEN', K.rows(t.id))", "rows of another type"),
    "garbage in expires stops forget": ("forget", "if string.find(member, '^%S+ %S+ %S+ %S+ %S+ %S+$') then", "do", "garbage in expires"),
    "parts without partial are left": ("pieces/mend", "if not stored[part] and not found['p' .. part] then", "if false then", "HDEL partial"),
    "the counters of waves are left": ("pieces/mend", "elseif stands_at ~= tostring(counted[field]) then", "elseif false then", "HDEL counter"),
    "done is left": ("pieces/mend", "  write_if_other(t, 'done', done)\n", "", "HDEL partial"),
    "a fold stays though its wave is not full": ("pieces/mend", "if found[fold] and not full then", "if false then", "HDEL partial"),
    "a full wave gets no fold": ("pieces/mend", "if full and not found[fold] then", "if false then", "DEL rows"),
    "an accumulator is not missed": ("pieces/mend", "if accumulator ~= (t.folded > 0) or start >= t.parts then", "if false then", "HDEL accumulator"),
    "garbage rows are kept": ("pieces/mend", "if fits and sane(row) then", "if fits and row then", "garbage row"),
    "a job is not missed in later": ("pieces/mend", "if at == 0 or", "if", "DEL later"),
    "timers are not missed in later": ("pieces/mend", "if not call('ZSCORE', K.later, member) then", "if false then", "DEL later"),
    "an entry is not missed": ("pieces/mend", "elseif missing(row) then", "elseif false then", "XDEL"),
    "a running task without its row is left": ("pieces/mend", "elseif t.state == 'running' then", "elseif false then", "HDEL row"),
    "a ring is not looked into": ("pieces/mend", "return unseen[key] or call('LPOS', key, t.id)", "return call('EXISTS', key) == 1", "LPOP ring"),
    "a task without a record stays listed": ("repair", "if not t then mend_gone(ARGV[i])", "if not t then local _", "DEL record"),
    "a fold is read though a partial is missing": ("wave", "if not whole or job", "if job ~= 'x' and false and job", "HDEL partial"),
    "a job without data is begun": ("take", "if not (more[2] or known[id]) then", "if false then", "HDEL data"),
    "a wrong share is left": ("recount", "if tonumber(stands_at[i + 1]) ~= counted[s] then", "if false then", "wrong share"),
}  # fmt: skip


def walk(server: Server, hand: Sequence[str]) -> None:
    for seed in range(1, 60):
        model.run(server, seed, STEPS, hand)


def caught(
    server: Server, monkeypatch: pytest.MonkeyPatch, mutation: tuple[str, str, str], hand: Sequence[str] = ()
) -> None:
    """Break one guard: within some seeds the checker must see it, or it would not see a real fault."""
    where, stands, instead = mutation
    read = script.read
    assert stands in read(where), f"{where}.lua no longer holds what this mutation changes"
    monkeypatch.setattr(
        script, "read", lambda file: read(file).replace(stands, instead) if file == where else read(file)
    )
    script.load.cache_clear()
    try:
        with pytest.raises(model.Broken):
            walk(server, hand)
    finally:
        script.load.cache_clear()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_guard_is_caught(server: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    caught(server, monkeypatch, MUTATIONS[name])


@pytest.mark.parametrize("name", MENDING)
def test_a_mending_that_does_not_mend_is_caught(server: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    *mutation, act = MENDING[name]
    caught(server, monkeypatch, (mutation[0], mutation[1], mutation[2]), [act])
