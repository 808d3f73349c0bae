"""Port 5555 with the real nginx: it asks for its password and says who came; no other port can say so."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import door, password
from deploy.ask import Answer, ask
from deploy.stack import Stack
from pipeline import settings
from pipeline.door import secret
from pipeline.errors import SettingsError
from tests.deploy.conftest import AUTH, Edge
from tests.gateway.house import House
from tests.gateway.process import ROOT, running
from tests.servers import Server

WORD, ACTOR = "x-headrace-door", "x-headrace-actor"


def basic(auth: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}


def at_the_door(edge: Edge, headers: dict[str, str], path: str = "/tasks") -> Answer:
    return ask(edge.stack.wanted.dashboard_port, "GET", path, headers=headers)


def test_who_has_the_password_is_announced_and_brings_nothing_else(edge: Edge) -> None:
    """No key and no cookie goes through: whoever comes by this door is its user."""
    more = {"X-API-Key": "hr_viewer_x", "Cookie": "headrace_session=x", WORD: "mine", ACTOR: "eve"}
    seen = at_the_door(edge, basic(AUTH) | more).json
    assert (seen[WORD], seen[ACTOR]) == (secret(AUTH), "maya")
    assert not {"authorization", "x-api-key", "cookie"} & set(seen)


@pytest.mark.parametrize(
    "headers",
    [{}, basic("maya:wrong"), basic(AUTH.replace("maya", "eve")), basic("maya:"), {"Authorization": "Bearer x"}],
)
def test_a_wrong_password_is_refused_in_our_shape(edge: Edge, headers: dict[str, str]) -> None:
    for path in ("/", "/dashboard/", "/dashboard/stream", "/tasks", "/health"):
        answer = at_the_door(edge, headers, path)
        assert (answer.status, answer.json["code"]) == (401, "wrong_password")
        assert answer.headers["www-authenticate"] == 'Basic realm="Headrace dashboard"'
    assert not any(gateway.asked for gateway in edge.gateways)


def test_at_every_other_port_nobody_can_say_that(edge: Edge) -> None:
    """Not with the very word, however it is spelt or often sent; keys and cookies go through there."""
    lies = {WORD: secret(AUTH), ACTOR: "eve", "X-API-Key": "k", "Cookie": "c=1", "Authorization": "Bearer t"}
    seen = ask(edge.port, "GET", "/tasks", headers=lies).json
    assert not {WORD, ACTOR} & set(seen)
    assert (seen["x-api-key"], seen["cookie"], seen["authorization"]) == ("k", "c=1", "Bearer t")
    twice = f"{WORD}: {secret(AUTH)}\r\nX_Headrace_Door: {secret(AUTH)}\r\nX-HEADRACE-DOOR: {secret(AUTH)}\r\n"
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as raw:
        raw.sendall(f"GET /tasks HTTP/1.1\r\nHost: x:5555\r\n{twice}Connection: close\r\n\r\n".encode())
        said = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert b'"path": "/tasks"' in said
    assert secret(AUTH).encode() not in said


@pytest.fixture
def whole(make_stack: Callable[..., Stack], server: Server, tmp_path: Path) -> Iterator[Edge]:
    """nginx before a real gateway that needs keys."""
    house = House(server)
    ours = {"HEADRACE_ADMIN_KEY": "an-admin-key-of-32-characters-ok", "HEADRACE_DASHBOARD_AUTH": AUTH}
    with running(house, tmp_path / "gateway.jsonl", **ours) as gateway:
        edge = Edge(make_stack(1, HEADRACE_GATEWAY_PORT=str(gateway.port)), real=True)
        yield edge
        edge.stop()
    house.store.close()


def test_the_right_password_serves_as_an_admin_of_that_name(whole: Edge) -> None:
    told = at_the_door(whole, basic(AUTH), "/session").json
    assert (told["name"], told["role"], told["keys_needed"]) == ("maya", "admin", True)
    root = at_the_door(whole, basic(AUTH), "/")
    assert (root.status, root.headers["location"]) == (307, "/dashboard/")
    assert ask(whole.port, "GET", "/session", headers={WORD: secret(AUTH)}).status == 401
    port = whole.stack.wanted.dashboard_port
    reason = {"reason": "deploy"}
    paused = ask(port, "POST", "/queues/low/pause", reason, basic(AUTH) | {"Sec-Fetch-Site": "same-origin"})
    assert paused.json["queues"][2]["paused"]["by"] == "maya"
    elsewhere = ask(port, "POST", "/queues/low/resume", {}, basic(AUTH) | {"Origin": "http://evil.example"})
    assert (elsewhere.status, elsewhere.json["code"]) == (403, "cross_site")


def test_the_stream_comes_through_at_once(whole: Edge) -> None:
    """Event by event, not when a buffer is full."""
    got: list[bytes] = []
    with socket.create_connection(("127.0.0.1", whole.stack.wanted.dashboard_port), timeout=60) as raw:
        head = f"GET /dashboard/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(AUTH)['Authorization']}\r\n\r\n"
        raw.sendall(head.encode())
        frames = threading.Event()

        def read() -> None:
            while piece := raw.recv(65_536):
                got.append(piece)
                if b"".join(got).count(b"event: frame") >= 2:
                    frames.set()
                    return

        threading.Thread(target=read, daemon=True).start()
        assert frames.wait(60), b"".join(got)[-500:]
    assert b"event: snapshot" in b"".join(got)


def test_a_password_is_drawn_once_and_kept_from_others(make_stack: Callable[..., Stack]) -> None:
    bare = make_stack(HEADRACE_DASHBOARD_AUTH="")
    bare.var.mkdir(parents=True)
    assert password.kept(bare) == bare, "looking draws none"
    first = password.drawn(bare)
    user, _, drawn = first.wanted.dashboard_auth.partition(":")
    assert user == "admin"
    assert len(drawn) >= 24
    assert first.settings.dashboard_auth == first.environ["HEADRACE_DASHBOARD_AUTH"] == first.wanted.dashboard_auth
    assert first.embedded
    assert password.drawn(bare) == password.kept(bare) == first, "it is kept"
    assert (bare.var / password.FILE).stat().st_mode & 0o777 == 0o600
    other = make_stack(HEADRACE_VAR=str(bare.var.parent / "other"), HEADRACE_DASHBOARD_AUTH="")
    other.var.mkdir()
    assert password.drawn(other).wanted.dashboard_auth != first.wanted.dashboard_auth
    assert password.drawn(make_stack()).wanted.dashboard_auth == AUTH, "yours goes before it"


def test_what_nginx_reads_is_for_its_owner_alone_and_has_no_password(tmp_path: Path) -> None:
    door.write(tmp_path, 5555, AUTH)
    door.write(tmp_path, 5555, AUTH)
    for name in (door.PASSWORDS, door.CONF):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert AUTH.partition(":")[2] not in (tmp_path / name).read_text()


@pytest.mark.parametrize(
    "auth",
    [
        "maya",
        "maya:short",
        ":a-password-of-30-characters-ok",
        "ma ya:a-password-of-30-chars",
        "maya:with a space in it",
    ],
)
def test_a_password_that_is_none_stops_the_start(auth: str) -> None:
    for read in (settings.read, settings.deployment):
        with pytest.raises(SettingsError, match="HEADRACE_DASHBOARD_AUTH is wrong: it must be user:password") as said:
            read({"HEADRACE_DASHBOARD_AUTH": auth})
        assert auth.partition(":")[2] not in str(said.value) or not auth.partition(":")[2]


def test_compose_does_not_start_without_a_password() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert compose.count("HEADRACE_DASHBOARD_AUTH: ${HEADRACE_DASHBOARD_AUTH:?is needed") == 2
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert "ARG HEADRACE_DASHBOARD_AUTH" not in dockerfile
    assert "python3 -m deploy.door /tmp 5555" in dockerfile
