"""Tokens of another house: the right one is believed, and every known trick is not (OWASP API2)."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.gateway.house import SEED, House, problem
from tests.servers import Server

ISSUER, AUDIENCE = "https://id.example", "headrace"
Signed = Callable[..., str]


@pytest.fixture(scope="module")
def private() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def jwks(tmp_path: Path, private: RSAPrivateKey) -> Path:
    """The issuer's public keys, in a file."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [public | {"kid": "k1", "alg": "RS256", "use": "sig"}]}))
    return file


@pytest.fixture
def house(server: Server, jwks: Path) -> House:
    return House(server, jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks=str(jwks))


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "desk-7", "role": "submitter", "iat": now, "exp": now + 300}
    return {name: value for name, value in (whole | changes).items() if value is not None}


def signed(private: RSAPrivateKey, kid: str = "k1", **changes: Any) -> str:
    return jwt.encode(claims(**changes), private, algorithm="RS256", headers={"kid": kid})


async def ask(h: House, token: str) -> httpx.Response:
    return await h.client.post("/tasks", json=SEED, headers={"Authorization": f"Bearer {token}"})


def test_a_token_says_owner_and_role(house: House, private: RSAPrivateKey) -> None:
    async def story(h: House) -> None:
        answer = await ask(h, signed(private))
        assert answer.status_code == 202, answer.text
        headers = {"Authorization": f"Bearer {signed(private, role='viewer')}"}
        task = (await h.client.get(f"/tasks/{answer.json()['task_id']}", headers=headers)).json()
        assert task["owner"] == "desk-7"
        problem(await ask(h, signed(private, role="viewer")), 403, "forbidden")
        other = {"Authorization": f"Bearer {signed(private, sub='desk-8')}"}
        problem(await h.client.get(f"/tasks/{task['task_id']}", headers=other), 404, "unknown_task")

    house.tell(story)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": None},
        {"aud": "somebody-else"},
        {"aud": None},
        {"iss": "https://id.example/"},
        {"iss": None},
        {"sub": None},
        {"sub": "../../other"},
        {"sub": "*"},
        {"sub": 7},
        {"role": "root"},
        {"role": None},
        {"role": ["admin"]},
        {"nbf": int(time.time()) + 3600},
        {"exp": float("inf")},
        {"exp": []},
        {"iat": float("nan")},
        {"nbf": {}},
        {"aud": {AUDIENCE: 1}},
        {"aud": [None]},
        {"sub": "\ud800"},
        {"role": {}},
    ],
    ids=str,
)
def test_what_is_not_for_us_or_not_whole_is_refused(
    house: House, private: RSAPrivateKey, changes: dict[str, Any]
) -> None:
    async def story(h: House) -> None:
        problem(await ask(h, signed(private, **changes)), 401, "unauthenticated")

    house.tell(story)


def _unsigned() -> str:
    pieces = ({"alg": "none", "kid": "k1"}, claims(role="admin"))
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in pieces) + "."


def test_forged_signatures_are_refused(house: House, private: RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "k1"}).encode()).rstrip(b"=")
    payload = base64.urlsafe_b64encode(json.dumps(claims(role="admin")).encode()).rstrip(b"=")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(header + b"." + payload, public)
    confused = b".".join((header, payload, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()
    right = signed(private)
    head, body, signature = right.split(".")
    richer = base64.urlsafe_b64encode(json.dumps(claims(role="admin")).encode()).rstrip(b"=").decode()
    forged = {
        "another key": signed(other),
        "no algorithm": _unsigned(),
        "the public key as an HMAC secret": confused,
        "other claims under the same signature": f"{head}.{richer}.{signature}",
        "no signature": f"{head}.{body}.",
        "unknown kid": signed(private, kid="k2"),
        "key address in the header": jwt.encode(
            claims(), other, algorithm="RS256", headers={"kid": "k9", "jku": "https://evil.example/jwks.json"}
        ),
        "not base64": "a.b.c",
        "very long": "e" * 9000 + "." + "e" * 9000 + ".e",
    }

    async def story(h: House) -> None:
        for what, token in forged.items():
            answer = await ask(h, token)
            assert answer.status_code == 401, what
            assert token not in answer.text

    house.tell(story)


def test_keys_are_read_again_for_a_new_kid_but_not_for_each(
    house: House, private: RSAPrivateKey, jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.tokens.AGAIN_S", 0.0)

    async def story(h: House) -> None:
        assert (await ask(h, signed(private))).status_code == 202
        keys = json.loads(jwks.read_text())["keys"]
        jwks.write_text(json.dumps({"keys": [*keys, keys[0] | {"kid": "k2"}]}))
        assert (await ask(h, signed(private, kid="k2"))).status_code == 202
        jwks.write_text("not JSON")
        problem(await ask(h, signed(private, kid="k3")), 401, "unauthenticated")
        assert (await ask(h, signed(private))).status_code == 202, "the keys of before still hold"

    house.tell(story)
