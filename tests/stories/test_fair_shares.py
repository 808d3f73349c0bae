"""One owner's ten thousand tasks delay another owner's single one by no more than the share (README, "Fair shares")."""

import math

from msgspec import structs

from pipeline import verbs
from pipeline.keys import PRIORITIES
from pipeline.record import Done
from pipeline.settings import Settings
from pipeline.store import Store
from tests.pipeline.steps import new, submit

FLOOD, AT_ONCE = 10_000, 200
SHARE = Settings().share


def test_a_flood_delays_another_owner_by_at_most_a_share(store: Store) -> None:
    flood = [new(owner="flood") for _ in range(FLOOD)]
    for at in range(0, FLOOD, AT_ONCE):
        submit(store, *flood[at : at + AT_ONCE])
    other = structs.replace(new(owner="other"), kind="a")
    submit(store, other)
    before = 0
    while True:
        jobs = store.do(verbs.take("c1", 16, PRIORITIES, [], 3, SHARE, 86_400_000)).jobs
        owners = [job.owner for job in jobs]
        if "other" in owners:
            before += owners.index("other")
            break
        before += len(jobs)
        assert before <= SHARE + AT_ONCE, "else it would never end"
        assert all(store.do(verbs.finish_task([Done(job, b"1", 0, 1.0) for job in jobs], "c1", SHARE)))
    assert before <= SHARE


def test_many_owners_flood_and_each_has_its_turn(store: Store) -> None:
    """With n owners that flood, it is n shares: each gets its part of the processes, whoever came first."""
    owners = ("a", "b", "c")
    for owner in owners:
        for _ in range(5):
            submit(store, *[new(owner=owner) for _ in range(AT_ONCE)])
    done = dict.fromkeys(owners, 0)
    for _ in range(math.ceil(6 * SHARE / 16)):
        jobs = store.do(verbs.take("c1", 16, PRIORITIES, [], 3, SHARE, 86_400_000)).jobs
        for job in jobs:
            done[job.owner] += 1
        assert all(store.do(verbs.finish_task([Done(job, b"1", 0, 1.0) for job in jobs], "c1", SHARE)))
    assert max(done.values()) - min(done.values()) <= SHARE
