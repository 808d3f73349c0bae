"""Tokens of another house (JWT, RFC 7519): believed when the configured issuer signed them for us, and nothing else.

The algorithms are a fixed list of signatures by a private key: a token does not say which one is used beyond that list,
nor where keys are (`jku`, `x5u` are never looked at). `exp, iat, aud, iss, sub` must be there; clocks may differ by
LEEWAY_S.
"""

import asyncio
import urllib.request
from pathlib import Path
from time import monotonic
from typing import Any, cast

import jwt
import msgspec

from pipeline import log
from pipeline.apikeys import OWNER, ROLES, Role
from pipeline.settings import Settings

LOG = log.get()
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
NEEDED = ["exp", "iat", "aud", "iss", "sub"]
LEEWAY_S = 30
KEEP_S = 600.0  # how long a set of keys is used before it is read again
AGAIN_S = 60.0  # and how often an unknown key may make us read it sooner
LONGEST = 8_192  # characters of a token
MOST_BYTES = 1_000_000
FETCH_S = 5.0


class BadToken(Exception):
    """The token is not believed; the text says why, and nothing of the token."""


class Issuer:
    """The one issuer that is configured, and its public keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = -KEEP_S
        self._reading = asyncio.Lock()

    async def read(self, token: str) -> tuple[str, Role]:
        """Owner and role. Raises BadToken."""
        try:
            header = jwt.get_unverified_header(token) if len(token) <= LONGEST else {}
            key = await self._key(str(header.get("kid", "")))
            claims = self._claims(token, key)
        except jwt.PyJWTError as wrong:
            raise BadToken(str(wrong) or type(wrong).__name__) from None
        owner, role = claims.get(self._settings.jwt_owner_claim), claims.get(self._settings.jwt_role_claim)
        if not isinstance(owner, str) or not OWNER.fullmatch(owner):
            raise BadToken(f"the claim {self._settings.jwt_owner_claim} is no name of an owner")
        if role not in ROLES:
            raise BadToken(f"the claim {self._settings.jwt_role_claim} is none of {', '.join(ROLES)}")
        return owner, cast(Role, role)

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=self._settings.jwt_audience,
            issuer=self._settings.jwt_issuer,
            leeway=LEEWAY_S,
            options={"require": NEEDED},
        )

    async def _key(self, kid: str) -> jwt.PyJWK:
        age = monotonic() - self._read_at
        if age > KEEP_S or (kid not in self._keys and age > AGAIN_S):
            async with self._reading:
                await self._refresh()
        if kid not in self._keys:
            raise BadToken("no key of the issuer has its kid")
        return self._keys[kid]

    async def _refresh(self) -> None:
        if monotonic() - self._read_at < AGAIN_S:  # somebody else has just done it
            return
        try:
            text = await asyncio.to_thread(_text, self._settings.jwt_jwks)
            keys = jwt.PyJWKSet.from_json(text).keys
            self._keys = {key.key_id: key for key in keys if key.key_id}
        except (OSError, ValueError, jwt.PyJWTError, msgspec.DecodeError) as wrong:
            LOG.error(
                "jwks.unreadable", source=self._settings.jwt_jwks, error=str(wrong)
            )  # the keys of before still hold
        self._read_at = monotonic()


def _text(source: str) -> str:
    """The key set: of a file, or of an https address (http on this machine only); never by way of another address."""
    if "://" not in source:
        return Path(source).read_text()
    if not source.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ValueError("only https is fetched")
    with _OPENER.open(source, timeout=FETCH_S) as answer:
        body: bytes = answer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise ValueError(f"longer than {MOST_BYTES:,} bytes")
    return body.decode()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects())
