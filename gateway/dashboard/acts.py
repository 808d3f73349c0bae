"""What people did, as the audit's stream in the store has it, and how far the audit's chain reaches (docs/audit.md).

The chain itself is a matter of its files: `make audit` looks at every line. Here its anchor is told.
"""

import asyncio
from collections import defaultdict

from msgspec import Struct

from gateway.answers import time_text
from gateway.desk import Desk
from pipeline import trail, verbs
from pipeline.apikeys import EVERYONE
from pipeline.trail import Action, Head

MOST = 200
SAYS = {
    "queue.pause": "paused priority {priority}{because}",
    "queue.resume": "resumed priority {priority}",
    "task.cancel": "cancelled task {task} of {owner}, which was {state}{because}",
    "task.purge": "removed the record of task {task}, which had {state}",
    "batch.cancel": "cancelled batch {batch}{because}",
    "letter.remove": "removed dead letter {letter_id}",
    "key.make": "made API key {key_id}: {role}, {owner}",
    "key.remove": "removed API key {key_id}",
    "webhook_secret.make": "made webhook secret {secret_id} of {owner}",
    "webhook_secret.remove": "removed webhook secret {secret_id} of {owner}",
    "webhook.redeliver": "had the webhook of {task} delivered once more",
}
ENDED = {"succeeded": "succeeded", "failed": "failed", "cancelled": "been cancelled"}


class Act(Struct, frozen=True):
    """Something that somebody did: `by` a key, a token or a user; `anybody` where none is needed. `about` is what is
    known of it, `text` a sentence without its subject."""

    at: str
    by: str
    action: str
    text: str
    request_id: str
    about: dict[str, str]


class Reach(Struct, frozen=True):
    """How far the audit is written: number and hash of its last line that is known to be on the disk, when the store
    was told so, and how far that is behind the newest event."""

    lines: int
    sha256: str
    anchored_at: str
    behind_ms: int


class ActList(Struct, frozen=True):
    """The last acts first; `chain` is null where no audit is written."""

    at: str
    chain: Reach | None
    acts: list[Act]


async def answer(desk: Desk, limit: int) -> ActList:
    """The last acts, and the state of the chain. Raises StoreAway."""
    do = desk.store.do
    acts, head, (_, behind_ms) = await asyncio.gather(do(trail.acts(limit)), do(trail.head()), do(verbs.figures()))
    return ActList(time_text(desk.now_ms()), _reach(head, behind_ms), [told(act) for act in acts])


def told(act: Action) -> Act:
    """An entry of the stream. What a purge keeps of a record is for the audit alone."""
    words = {name: word for name, word in act.words.items() if name != "record"}
    action, by, request_id = (words.pop(name, "") for name in ("action", "by", "request_id"))
    return Act(time_text(int(act.id.partition("-")[0])), by, action, _sentence(action, words), request_id, words)


def _sentence(action: str, words: dict[str, str]) -> str:
    reason = words.get("reason", "")
    whole = defaultdict(lambda: "?", words)  # a hand may have left something out
    whole["because"] = f": {reason}" if reason else ""
    if whole["owner"] == EVERYONE:
        whole["owner"] = "all owners"
    if action == "task.purge":
        whole["state"] = ENDED.get(whole["state"], whole["state"])
    return SAYS[action].format_map(whole) if action in SAYS else action or "?"


def _reach(head: Head, behind_ms: int) -> Reach | None:
    return Reach(head.seq, head.sha256, time_text(head.at), max(0, behind_ms)) if head.seq else None
