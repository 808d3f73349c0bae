"""The containers that `make test-compose` tries: how they are started, asked and changed.

Project, ports and volumes are their own.
"""

import secrets
import shlex
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable

from deploy.ask import Answer, ask
from deploy.prove import KNOWN, KNOWN_TOTAL
from deploy.stack import ROOT
from deploy.tell import OURS, Problem

HTTP_PORT = 28_080
GATEWAY_PORTS = (28_001, 28_020)
PROJECT = "headrace-test"
LIMIT_S = 90
ADMIN_KEY = secrets.token_hex(24)
DASHBOARD_PORT = 28_055
DASHBOARD_AUTH = f"trial:{secrets.token_hex(12)}"
BASIC = {"Authorization": f"Basic {b64encode(DASHBOARD_AUTH.encode()).decode()}"}
PROMETHEUS_PORT = 28_090
KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}


class Trial:
    """One run of the containers, with the commands to change it."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.docker = shlex.split(environ.get("DOCKER", "docker"))
        files = ["-f", "docker-compose.yml", "-f", "deploy/compose.observability.yml"]
        if environ.get("HEADRACE_CA_BUNDLE"):
            files += ["-f", "deploy/compose.ca.yml"]
        self.compose = [*shlex.split(environ.get("COMPOSE", "docker compose")), "-p", PROJECT, *files]
        own = {
            "HEADRACE_HTTP_PORT": str(HTTP_PORT),
            "HEADRACE_GATEWAY_PORTS": f"{GATEWAY_PORTS[0]}-{GATEWAY_PORTS[1]}",
            "HEADRACE_REDIS_URL": "",
            "HEADRACE_ADMIN_KEY": ADMIN_KEY,
            "HEADRACE_DASHBOARD_PORT": str(DASHBOARD_PORT),
            "HEADRACE_DASHBOARD_AUTH": DASHBOARD_AUTH,
            # Only the courier is on a network with the receiver; which addresses that has is Docker's choice.
            "HEADRACE_WEBHOOK_ALLOW": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
            "HEADRACE_WEBHOOK_PAUSES_S": "1,1,1,1,1,1,1,1,1",
            "PROMETHEUS_PORT": str(PROMETHEUS_PORT),
            "GRAFANA_PASSWORD": secrets.token_hex(12),
        }
        self.environ = environ | own | {"DOCKER_BUILDKIT": "1"}

        self.services = [name for name in self.run("config", "--services").split() if name != "grafana"]

    def run(self, *words: str) -> str:
        """A Compose command; what it printed. Raises Problem when it fails."""
        return self._call([*self.compose, *words])

    def containers(self, service: str) -> list[str]:
        return self.run("ps", "--quiet", service).split()

    def inspect(self, container: str, what: str) -> str:
        return self.call("inspect", "--format", what, container).strip()

    def kill(self, container: str) -> None:
        self.call("kill", container)

    def call(self, *words: str) -> str:
        """A Docker command; what it printed. Raises Problem when it fails."""
        return self._call([*self.docker, *words])

    def _call(self, command: list[str]) -> str:
        ended = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise Problem(
                f"This failed: {shlex.join(command)}", ended.stderr.strip()[-3000:], "Read docs/deployment.md", OURS
            )
        return ended.stdout


def calculate() -> Answer:
    """The calculation whose answer is known, through nginx. A gateway that is stopping answers 202 before the result
    is there; then it is asked for, as a client would."""
    wait = {"Prefer": "wait=30"}
    answer = ask(HTTP_PORT, "POST", "/tasks", KNOWN, wait | KEY, limit_s=40)
    while answer.ok and answer.json["state"] in ("queued", "running"):
        answer = ask(HTTP_PORT, "GET", answer.json["links"]["self"], headers=wait | KEY, limit_s=40)
    return answer


def is_right(answer: Answer) -> bool:
    """Whether it is that answer."""
    return answer.status == 200 and round(float(answer.json["result"]["total"]), 2) == KNOWN_TOTAL


def until(what: str, true: Callable[[], bool]) -> float:
    """Wait; how long it took. Raises Problem."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > LIMIT_S:
            raise Problem(f"Not within {LIMIT_S} s: {what}.", "It was tried until now.", "docker compose logs", OURS)
        time.sleep(0.2)
    return time.monotonic() - begun


def answering_gateways() -> set[int]:
    """The ports of the gateways that say they are ready."""
    return {port for port in range(GATEWAY_PORTS[0], GATEWAY_PORTS[1] + 1) if ask(port, "GET", "/ready").ok}


def require(true: bool, what: str) -> None:
    """Raises Problem unless it is true."""
    if not true:
        raise Problem("The containers do not do what they should.", what, "docker compose logs", OURS)
