"""Failures by what they have in common: code, kind, and the message without its numbers, ids and quoted texts."""

import hashlib
import re
from collections import defaultdict

from msgspec import Struct

from gateway.answers import time_text
from gateway.codes import TASK_ERRORS
from pipeline.async_store import AsyncStore
from pipeline.views import Cause, causes, failures

MOST_TASKS = 10_000  # the newest, by submission
A_READ = 250  # tasks of a call to the store
MOST_KNOWN = 4 * MOST_TASKS
MOST_GROUPS = 200
MOST_SAMPLES = 5
LONGEST = 500  # characters of an example
MASK = "●"
# In this order: a quoted text may hold numbers, an id digits.
_VARIES = re.compile(
    r"'[^']*'|\"[^\"]*\"|\b[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9a-f]{16,}\b|(?<![A-Za-z_])[pr]\d+\b|(?:(?<![\w.])|(?<=\.\.))[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?"
)
# What another attempt can cure. Every other code is a refusal: the same input is refused again.
CURABLE = frozenset(TASK_ERRORS)


class FailureGroup(Struct, frozen=True, kw_only=True):
    """Failures that look alike: `message` without what varies, and the last one as an `example`. `count`: those that
    no retry has repeated yet; `retried`: the others."""

    signature: str
    code: str
    kind: str
    message: str
    example: str
    count: int
    retried: int
    first_at: str
    last_at: str
    retryable: bool
    hint: str
    task_ids: list[str]


class FailureList(Struct, frozen=True, kw_only=True):
    """Groups, the largest first. `failed` and `finished` tasks in the same time; `looked_at` tasks were grouped, of at
    most 10,000: `all_looked_at` says whether these were all."""

    groups: list[FailureGroup]
    failed: int
    finished: int
    looked_at: int
    all_looked_at: bool


class Failure(Struct, frozen=True):
    """A task that failed, and its group."""

    id: str
    signature: str
    cause: Cause


class Failures:
    """The failures of a store. Why a task failed never changes, so it is read once; which there are, and which of them
    were tried again, each time."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._known: dict[str, Failure] = {}

    async def read(self, owner: str, since_ms: int) -> "Found":
        """The failures since then of the newest tasks that failed, an owner's or ("") all."""
        ids, retried, whole = await self._store.do(failures(owner, MOST_TASKS))
        await self._learn([id for id in ids if id not in self._known])
        if len(self._known) > MOST_KNOWN:
            self._known = {id: self._known[id] for id in ids if id in self._known}
        known = (self._known.get(id) for id in ids)
        found = [failure for failure in known if failure and failure.cause.finished_at >= since_ms]
        return Found(found, retried, whole)

    async def _learn(self, ids: list[str]) -> None:
        for at in range(0, len(ids), A_READ):
            causes_ = await self._store.do(causes(ids[at : at + A_READ]))
            self._known |= {id: Failure(id, signature(c.code, c.kind, c.message), c) for id, c in causes_.items()}


class Found(Struct, frozen=True):
    """What was found, which of it was tried again, and whether it is all that there is."""

    failures: list[Failure]
    retried: set[str]
    whole: bool

    def groups(self) -> dict[str, list[Failure]]:
        """Signature → its failures."""
        groups: dict[str, list[Failure]] = defaultdict(list)
        for failure in self.failures:
            groups[failure.signature].append(failure)
        return groups

    def open(self, signature: str) -> list[str]:
        """The tasks of a group that were not tried again yet."""
        return [failure.id for failure in self.groups().get(signature, []) if failure.id not in self.retried]


def told(found: Found) -> list[FailureGroup]:
    """The groups as they are answered, the largest first."""
    ordered = sorted(found.groups().items(), key=lambda group: (-len(group[1]), group[0]))
    return [_group(members, found.retried) for _, members in ordered[:MOST_GROUPS]]


def masked(message: str) -> str:
    """The message with what varies replaced."""
    return _VARIES.sub(MASK, message)


def signature(code: str, kind: str, message: str) -> str:
    """A short name of the group, the same in every gateway."""
    return hashlib.sha256(f"{code}\n{kind}\n{masked(message)}".encode()).hexdigest()[:16]


def _group(members: list[Failure], retried: set[str]) -> FailureGroup:
    last = max(members, key=lambda each: each.cause.finished_at)
    again = sum(each.id in retried for each in members)
    return FailureGroup(
        signature=last.signature,
        code=last.cause.code,
        kind=last.cause.kind,
        message=masked(last.cause.message),
        example=last.cause.message[:LONGEST],
        count=len(members) - again,
        retried=again,
        first_at=time_text(min(each.cause.finished_at for each in members)),
        last_at=time_text(last.cause.finished_at),
        retryable=last.cause.code in CURABLE,
        hint=TASK_ERRORS.get(last.cause.code, REFUSED),
        task_ids=[each.id for each in members[:MOST_SAMPLES]],
    )


REFUSED = "The kind refuses this input; the same input is refused again. Change it and submit anew."
