"""Failures by what they have in common: code, kind, and the message without its numbers, ids and quoted texts."""

import hashlib
import re
from collections import defaultdict
from functools import lru_cache

from msgspec import Struct

from gateway.answers import time_text
from gateway.codes import TASK_ERRORS
from pipeline.async_store import AsyncStore
from pipeline.views import Failed, failures

MOST_TASKS = 10_000  # the newest, by submission
A_CALL = 500
MOST_GROUPS = 200
MOST_SAMPLES = 5
LONGEST = 500  # characters of an example
MASK = "●"
# In this order: a quoted text may hold numbers, an id digits.
_VARIES = re.compile(
    r"'[^']*'|\"[^\"]*\"|\b[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9a-f]{16,}\b|(?<![A-Za-z_])[pr]\d+\b|(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?"
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


async def read(store: AsyncStore, owner: str, since_ms: int) -> tuple[list[Failed], bool]:
    """The failures since then of the newest tasks that failed, and whether that was all of them."""
    cursor, found, looked = "", list[Failed](), 0
    while looked < MOST_TASKS:
        cursor, some = await store.do(failures(owner, cursor, A_CALL))
        looked += A_CALL
        found += [failed for failed in some if failed.finished_at >= since_ms]
        if not cursor:
            return found, True
    return found, False


def grouped(failed: list[Failed]) -> dict[str, list[Failed]]:
    """Signature → its failures, the last one first."""
    groups: dict[str, list[Failed]] = defaultdict(list)
    for each in sorted(failed, key=lambda each: each.finished_at, reverse=True):
        groups[signature(each.code, each.kind, each.message)].append(each)
    return groups


def told(groups: dict[str, list[Failed]]) -> list[FailureGroup]:
    """The groups as they are answered, the largest first."""
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [_group(name, members) for name, members in ordered[:MOST_GROUPS]]


@lru_cache(maxsize=4096)
def masked(message: str) -> str:
    """The message with what varies replaced."""
    return _VARIES.sub(MASK, message)


@lru_cache(maxsize=4096)
def signature(code: str, kind: str, message: str) -> str:
    """A short name of the group, the same in every gateway."""
    return hashlib.sha256(f"{code}\n{kind}\n{masked(message)}".encode()).hexdigest()[:16]


def _group(name: str, members: list[Failed]) -> FailureGroup:
    last = members[0]
    open_ = [each for each in members if not each.retried_by]
    return FailureGroup(
        signature=name,
        code=last.code,
        kind=last.kind,
        message=masked(last.message),
        example=last.message[:LONGEST],
        count=len(open_),
        retried=len(members) - len(open_),
        first_at=time_text(members[-1].finished_at),
        last_at=time_text(last.finished_at),
        retryable=last.code in CURABLE,
        hint=TASK_ERRORS.get(last.code, REFUSED),
        task_ids=[each.id for each in members[:MOST_SAMPLES]],
    )


REFUSED = "The kind refuses this input; the same input is refused again. Change it and submit anew."
