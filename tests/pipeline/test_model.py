"""The model checker on the real scripts, and the proof that it is awake.

`HEADRACE_MODEL_SEED` is not needed: each run draws its seeds and a failure prints the one to try again:
`pytest tests/pipeline/test_model.py --seed 1234`.
"""

import pytest

from pipeline import script
from tests.pipeline import model
from tests.servers import Server

STEPS = 250
SEEDS = 8


@pytest.mark.parametrize("hand", [False, True], ids=["", "with a hand in the store"])
def test_invariants_hold_after_every_step(any_server: Server, first_seed: int, hand: bool) -> None:
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
    "only the holder is compared": ("pieces/work", "if row and row.token == token and row.holder", "if row and row.holder"),
    "the hot path does not compare": ("finish_task", "if row and row.token == token and", "if row and"),
    "cancel leaves the member in later": ("pieces/work", "if row.entry == 'later' then call('ZREM', K.later, t.id .. ' ' .. job) else", "if row.entry ~= 'later' then"),
    "the share is not given back": ("pieces/work", "  share(t, -n)\n", "  share(t, 0)\n"),
    "a freed slot is not given on": ("pieces/work", "    while in_being(pair[1]) < SHARE do", "    while false do"),
    "a wave is folded out of turn": ("finish_part", "if wave == t.folded then reduce_if_full(t) end", "reduce_if_full(t)"),
    "the wave after the fold is forgotten": ("fold", "reduce_if_full(t)\n", ""),
    "release counts the attempt": ("release", "row.attempts - 1", "row.attempts"),
    "retry forgets the attempts": ("pieces/work", "'/later', row.attempts,", "'/later', 0,"),
    "reap counts an attempt": ("reap", "row.attempts - 1, row.interruptions + 1", "row.attempts, row.interruptions + 1"),
    "no bound ahead of the fold": ("pieces/work", "t.next < math.max(finish, folded_end + 2 * t.window) and", ""),
    "no window": ("pieces/work", " and waiting < t.window", ""),
    "a final task is cancelled": ("cancel", "if not (live(t) or t.state == 'scheduled') then return t.state end", ""),
    "an orphan is begun": ("take", "if not row or row.token ~= place .. '/' .. entry then return drop(place, entry) end", "if not row then return drop(place, entry) end"),
    "the ring feeds dead tasks": ("pieces/work", "if live(t) then feed_next(t) end", "if t then feed_next(t) end"),
    "the same key does not replay": ("submit", "if known[1] then return", "if false then return"),
    "the same id is written again": ("submit", "if call('EXISTS', K.task(id)) == 1 then return {'replay', id} end", ""),
    "the finished keep their jobs": ("pieces/work", "unput(t, job, row); n = n + 1", "n = n + 1"),
    "the end has no TTL": ("pieces/work", "  call('PEXPIRE', K.task(t.id), ttl_ms + 60000)", "  --"),
    "the index does not move": ("pieces/work", "  index(t, t.state, state)\n", ""),
    "a dead consumer's name goes with its jobs": ("remove_consumer", "then return 'holds' end", "then end"),
}  # fmt: skip


def walk(server: Server, seeds: range) -> None:
    for seed in seeds:
        model.run(server, seed, STEPS, hand=seed % 3 == 0)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_guard_is_caught(server: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Break each guard once: within some seeds the checker must see it, or it would not see a real fault."""
    where, stands, instead = MUTATIONS[name]
    read = script.read
    assert stands in read(where), f"{where}.lua no longer holds what this mutation changes"
    monkeypatch.setattr(
        script, "read", lambda file: read(file).replace(stands, instead) if file == where else read(file)
    )
    script.load.cache_clear()
    try:
        with pytest.raises(model.Broken):
            walk(server, range(1, 60))
    finally:
        script.load.cache_clear()
