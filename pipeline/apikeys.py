"""API keys: made once, shown once, kept as a hash.

    hr_submitter_7QX3M0AB_…32 characters…      hr, role, id, secret

The store keeps id → role, owner, label, SHA-256 of the whole key. A secret of 160 random bits needs no slow hash. Role
and id are readable in a key that turns up somewhere, so that one knows which to remove.
"""

import hashlib
import re
import secrets
from typing import Literal, get_args

from msgspec import Struct

from pipeline.ids import ALPHABET

Role = Literal["viewer", "submitter", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what those before it may
HOME = "local"  # the owner of what is submitted by somebody who belongs to nobody in particular
EVERYONE = "*"  # the owner of a key that sees all owners' tasks
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")  # it stands in keys of the store
LEAST = 24  # characters of an admin key that comes from the environment
_ID, _SECRET = 8, 32


class ApiKey(Struct, frozen=True):
    """What is kept of a key. `owner` is whose tasks it sees and submits; EVERYONE for all."""

    id: str
    role: Role
    owner: str
    label: str
    sha256: str
    created_at: int = 0


def make(role: Role, owner: str, label: str = "") -> tuple[str, ApiKey]:
    """A new key: its text, which nobody can see again, and what is kept of it."""
    id, secret = ("".join(secrets.choice(ALPHABET) for _ in range(length)) for length in (_ID, _SECRET))
    text = f"hr_{role}_{id}_{secret}"
    return text, ApiKey(id, role, owner, label, sha256(text))


def from_environment(text: str) -> ApiKey:
    """The admin key that a deployment is started with."""
    return ApiKey("environment", "admin", EVERYONE, "HEADRACE_ADMIN_KEY", sha256(text))


def id_of(text: str) -> str:
    """The id in the text of a key; "" where there is none."""
    words = text.split("_")
    return words[2] if len(words) == 4 and words[0] == "hr" and words[1] in ROLES else ""


def sha256(text: str) -> str:
    """Of the whole key."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def is_of(key: ApiKey, text: str) -> bool:
    """Whether the text is this key. Takes as long for a wrong one as for the right one."""
    return secrets.compare_digest(key.sha256, sha256(text))


def may(role: str, least: Role) -> bool:
    """Whether a role is enough."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)
