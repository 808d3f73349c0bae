"""`python -m deploy.webhook_secrets make [OWNER] | list | remove OWNER ID`: what signs the webhooks of an owner.

A new secret is shown once. It signs beside the one before, so a receiver changes from one to the other without a gap.
"""

import sys
from datetime import UTC, datetime

from deploy.keys import with_store
from deploy.tell import Problem, complain, row, say
from pipeline import webhooks
from pipeline.apikeys import HOME, OWNER
from pipeline.store import Store

HAND = "make webhook-secret"  # who did it, for the audit: somebody at this machine
USAGE = "make webhook-secret [OWNER=name]   make webhook-secrets   make remove-webhook-secret OWNER=name ID=…"


def main(arguments: list[str]) -> int:
    """Exit codes as `python -m deploy` has them."""
    match arguments:
        case ["make", *rest] if len(rest) <= 1:
            return with_store(lambda store: _make(store, "".join(rest) or HOME))
        case ["list"]:
            return with_store(_list)
        case ["remove", owner, id]:
            return with_store(lambda store: _remove(store, owner or HOME, id))
    complain(f"Usage:  {USAGE}")
    return 2


def _make(store: Store, owner: str) -> int:
    if not OWNER.fullmatch(owner):
        why = "Up to 64 letters, digits and . _ @ -, beginning with a letter or digit."
        raise Problem(f"OWNER={owner!r} is no name of an owner.", why, f"Usage:  {USAGE}", 2)
    id, text = webhooks.make_secret()
    store.do(webhooks.keep_secret(owner, id, text, HAND))
    say(text)
    live = store.do(webhooks.secrets_of(owner))[owner]
    complain(f"It signs the webhooks of {owner}, id {id}. It is shown this once.")
    if len(live) > 1:
        old = live[1].id
        complain(f"So does {old}, until it is removed:  make remove-webhook-secret OWNER={owner} ID={old}")
    return 0


def _list(store: Store) -> int:
    found = store.do(webhooks.secrets_of())
    if not found:
        say("There is no webhook secret, so no task may carry a webhook. Make one:")
        say(f"  {USAGE}")
    for owner, secrets in sorted(found.items()):
        for secret in secrets:
            made = datetime.fromtimestamp(secret.created_at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
            row(secret.id, owner, made)
    return 0


def _remove(store: Store, owner: str, id: str) -> int:
    if not store.do(webhooks.remove_secret(owner, id, HAND)):
        raise Problem(f"{owner} has no webhook secret {id}.", "", "List them:  make webhook-secrets", 1)
    say(f"The secret {id} of {owner} is removed; it signs nothing any more.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
