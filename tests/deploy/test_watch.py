"""The event listener: every change is a JSON line, and what supervisord gave up is started again."""

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

import pytest

from deploy.stack import ROOT

PAUSE_S = 1.0  # in which a test says two things


class FakeSupervisor(socketserver.UnixStreamServer, SimpleXMLRPCDispatcher):
    """Notes what it is asked to start."""

    def __init__(self, path: Path) -> None:
        self.started: list[str] = []
        self.asked = threading.Event()
        self.logRequests = False
        SimpleXMLRPCDispatcher.__init__(self, allow_none=True)
        socketserver.UnixStreamServer.__init__(self, str(path), _Request)
        self.register_function(self.start, "supervisor.startProcess")
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def start(self, name: str, wait: bool) -> bool:
        self.started.append(name)
        self.asked.set()
        return not wait


class _Request(SimpleXMLRPCRequestHandler):
    disable_nagle_algorithm = False  # there is none on a unix socket
    rpc_paths = ()

    def address_string(self) -> str:
        return "unix"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[FakeSupervisor]:
    server = FakeSupervisor(tmp_path / "sock")
    yield server
    server.shutdown()
    server.server_close()


class Watch:
    """The listener, spoken to as supervisord does."""

    def __init__(self, socket: str) -> None:
        command = [sys.executable, "-m", "deploy.watch", socket, str(PAUSE_S)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)

    def tell(self, event: str, **words: str) -> dict[str, object]:
        """Send one event; the line that it logs."""
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        assert self.process.stdout.readline() == b"READY\n"
        body = " ".join(f"{name}:{word}" for name, word in words.items()).encode()
        self.process.stdin.write(f"ver:3.0 eventname:PROCESS_STATE_{event} len:{len(body)}\n".encode() + body)
        line: dict[str, object] = json.loads(self.process.stderr.readline())
        assert self.process.stdout.read(len("RESULT 2\nOK")) == b"RESULT 2\nOK"
        return line

    def end(self) -> int:
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def watch(supervisor: FakeSupervisor) -> Iterator[Watch]:
    watch = Watch(str(supervisor.server_address))
    yield watch
    assert watch.end() == 0, "it ends when supervisord closes its stdin"


def test_each_change_is_a_line(watch: Watch) -> None:
    line = watch.tell("RUNNING", processname="gateway-1", groupname="gateway", from_state="STARTING", pid="17")
    wanted = {
        "level": "info",
        "event": "program.running",
        "program": "gateway-1",
        "was": "starting",
        "program_pid": "17",
    }
    assert {name: line[name] for name in wanted} == wanted
    assert str(line["ts"]).endswith("Z")


def test_an_unexpected_exit_is_a_warning(watch: Watch) -> None:
    words = {"processname": "consumer-1", "groupname": "consumer", "from_state": "RUNNING", "pid": "17"}
    assert watch.tell("EXITED", **words, expected="0")["level"] == "warning"
    assert watch.tell("EXITED", **words, expected="1")["level"] == "info"


def test_what_was_given_up_is_an_error_and_is_started_again(watch: Watch, supervisor: FakeSupervisor) -> None:
    line = watch.tell("FATAL", processname="consumer-1", groupname="consumer", from_state="BACKOFF")
    assert (line["level"], line["event"], line["retry_s"]) == ("error", "program.fatal", PAUSE_S)
    assert supervisor.asked.wait(60)
    assert supervisor.started == ["consumer:consumer-1"]


def test_what_came_back_by_itself_is_left_alone(watch: Watch, supervisor: FakeSupervisor) -> None:
    watch.tell("FATAL", processname="a", groupname="g", from_state="BACKOFF")
    watch.tell("STARTING", processname="a", groupname="g", from_state="FATAL")
    assert not supervisor.asked.wait(2 * PAUSE_S)


def test_when_its_turn_to_stop_comes_the_last_of_the_others_has_stopped(watch: Watch) -> None:
    """supervisord tells nothing to a listener that it is stopping, so that is how it is known."""
    words = {"groupname": "g", "from_state": "RUNNING"}
    watch.tell("STOPPING", processname="gateway-1", pid="17", **words)
    watch.tell("STOPPED", processname="gateway-1", pid="17", **words)
    watch.tell("STOPPING", processname="store", pid="18", **words)
    watch.process.terminate()
    assert watch.process.stderr
    line = json.loads(watch.process.stderr.readline())
    wanted = {"event": "program.stopped", "program": "store", "was": "stopping", "program_pid": "18", "level": "info"}
    assert {name: line[name] for name in wanted} == wanted
    assert watch.process.stderr.readline() == b""
