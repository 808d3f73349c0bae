"""A stack on free ports in a folder of its own, and an nginx in front of gateways that do as they are told."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy import render
from deploy.ask import ask
from deploy.stack import ROOT, Stack
from pipeline import settings
from tests.deploy.ports import free_run

AUTH = "maya:a-password-of-30-characters-ok"


@pytest.fixture
def make_stack(tmp_path: Path) -> Callable[..., Stack]:
    """A Stack as `stack.read` would give it for these variables; nothing is started."""

    def make(gateways: int = 3, **variables: str) -> Stack:
        first = free_run(gateways + 3)
        environ = {
            "HEADRACE_GATEWAYS": str(gateways),
            "HEADRACE_GATEWAY_PORT": str(first),
            "HEADRACE_HTTP_PORT": str(first + gateways),
            "HEADRACE_STORE_PORT": str(first + gateways + 1),
            "HEADRACE_DASHBOARD_PORT": str(first + gateways + 2),
            "HEADRACE_DASHBOARD_AUTH": AUTH,
        } | variables
        return Stack(
            root=ROOT,
            var=Path(variables.get("HEADRACE_VAR", str(tmp_path / "var"))),
            wanted=settings.deployment(environ),
            settings=settings.read(environ),
            environ=environ,
        )

    return make


class Fake(ThreadingHTTPServer):
    """A gateway that notes what it is asked and answers as `does` says: a status, or to `die` or `stay` silent."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Asked)
        self.does: int | str = 200
        self.silent = threading.Event()  # set: the silence is over
        self.asked: list[dict[str, str | int]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.silent.set()
        self.shutdown()
        self.server_close()


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Fake

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = {name.lower(): value for name, value in self.headers.items()} | {"bytes": len(body), "path": self.path}
        self.server.asked.append(seen)
        if self.server.does == "stay":
            self.server.silent.wait(60)
        if self.server.does in ("die", "stay"):
            self.close_connection = True
            return
        answer = json.dumps(seen).encode()
        self.send_response(int(self.server.does))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-Request-ID", self.headers["X-Request-ID"])
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_TRACE = do_POST

    def log_message(self, *_: object) -> None:
        """The tests read `asked`."""


class Edge:
    """nginx by our rendered configuration, before fake gateways, or real ones that are there already."""

    def __init__(self, stack: Stack, real: bool = False) -> None:
        self.stack = stack
        self.port = stack.wanted.http_port
        self.gateways = [] if real else [Fake(port) for port in stack.gateway_ports]
        render.write(stack)
        self.log = stack.var / "log" / "nginx.jsonl"
        command = [stack.nginx, "-e", "stderr", "-p", f"{stack.var}/nginx/", "-c", stack.var / "nginx.conf"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=stack.var / "nginx", stdout=log, stderr=subprocess.PIPE, env={"TZ": "UTC"}
            )
        until = time.monotonic() + 60
        while ask(self.port, "GET", "/").status == 0:
            assert time.monotonic() < until, self.process.stderr.read() if self.process.stderr else ""
        for gateway in self.gateways:
            gateway.asked.clear()

    def lines(self, mark: str, count: int = 1) -> list[dict[str, object]]:
        """The access log's lines of requests with this name, when there are `count`."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            whole = self.log.read_bytes().rpartition(b"\n")[0].splitlines()
            found = [line for text in whole if (line := json.loads(text))["request_id"] == mark]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{mark} is not in the access log: {self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=60)
        for gateway in self.gateways:
            gateway.stop()


@pytest.fixture
def edge(make_stack: Callable[..., Stack]) -> Iterator[Edge]:
    """nginx before three fake gateways, in a folder that only its owner may enter."""
    edge = Edge(make_stack())
    yield edge
    edge.stop()
