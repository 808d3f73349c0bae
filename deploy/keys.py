"""`python -m deploy.keys make ROLE [OWNER] [LABEL] | list | remove ID`: the API keys of this deployment.

A new key is shown once. From the first key on nobody is served without one.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import structs

from deploy import stack
from deploy.tell import NOT_RUNNING, Problem, complain, row, say, wrong_setting
from pipeline import apikeys, verbs
from pipeline.apikeys import EVERYONE, HOME, OWNER, ROLES
from pipeline.errors import PipelineError, SettingsError
from pipeline.store import Store

HAND = "make key"  # who did it, for the audit: somebody at this machine
USAGE = "make key ROLE=viewer|submitter|operator|admin [OWNER=name] [LABEL=text]   make keys   make remove-key ID=…"


def main(arguments: list[str]) -> int:
    """Exit codes as `python -m deploy` has them."""
    match arguments:
        case ["make", role, *rest] if role in ROLES and len(rest) <= 2:
            owner, label = [*rest, "", ""][:2]
            return with_store(lambda store: _make(store, role, owner, label))
        case ["list"]:
            return with_store(_list)
        case ["remove", id]:
            return with_store(lambda store: _remove(store, id))
    complain(f"Usage:  {USAGE}")
    return 2


def _make(store: Store, role: apikeys.Role, owner: str, label: str) -> int:
    """Operators and admins see all owners unless one is named."""
    owner = owner or (EVERYONE if apikeys.may(role, "operator") else HOME)
    if owner != EVERYONE and not OWNER.fullmatch(owner):
        why = "Up to 64 letters, digits and . _ @ -, beginning with a letter or digit; * for all."
        raise Problem(f"OWNER={owner!r} is no name of an owner.", why, f"Usage:  {USAGE}", 2)
    first = not store.do(verbs.apikeys())
    text, key = apikeys.make(role, owner, label)
    if not store.do(verbs.keep_apikey(structs.replace(key, created_at=store.do(verbs.clock())), HAND)):
        raise Problem("There is a key of this id already.", "That is one chance in a million million.", "Try again.")
    whose = "all owners" if owner == EVERYONE else f"owner {owner}"
    say(text)
    complain(f"Role {role}, {whose}, id {key.id}. It is shown this once. In requests:  Authorization: Bearer KEY")
    if first:
        complain("It is the first key: from now on nobody is served without one.")
    return 0


def _list(store: Store) -> int:
    found = store.do(verbs.apikeys())
    if not found:
        say("There is no API key. Without HEADRACE_ADMIN_KEY or HEADRACE_JWT_ISSUER everybody who reaches the gateways")
        say("may do everything. Make one:")
        say(f"  {USAGE}")
    for key in sorted(found, key=lambda each: each.created_at):
        made = datetime.fromtimestamp(key.created_at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        row(key.id, f"{key.role}, {'all owners' if key.owner == EVERYONE else key.owner}", made, key.label)
    return 0


def _remove(store: Store, id: str) -> int:
    if not store.do(verbs.remove_apikey(id, HAND)):
        raise Problem(f"There is no key {id}.", "Its id is the third word of a key.", "List them:  make keys", 1)
    say(f"Key {id} is removed; within a second or two it is refused everywhere.")
    return 0


def with_store(work: Callable[[Store], int]) -> int:
    """Do it with the store of this deployment, and say what is wrong where that cannot be; the exit code."""
    try:
        found = stack.read()
        store = Store(found.settings, "deploy")
        try:
            return work(store)
        finally:
            store.close()
    except Problem as problem:
        complain(str(problem))
        return problem.exit_code
    except SettingsError as wrong:
        return wrong_setting(wrong)
    except PipelineError as away:
        complain(f"The store does not answer.\n{away}\nStart it:  make up")
        return NOT_RUNNING


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
