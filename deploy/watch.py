"""`python -m deploy.watch SOCKET PAUSE_S`: supervisord's event listener. Each change is one JSON line.

supervisord gives a program up after some quick failures and then stays silent for ever (FATAL). Here it is
logged as an error and the program is started again after a pause, so a store that was away for minutes
does not cost a consumer for good.

supervisord stops this listener last. It tells nothing to a listener that it is stopping, so the end of the last program
is not told: that it is our turn says it.

    supervisord ──event──▶ stdin        "RESULT 2\\nOK" ──▶ stdout        lines ──▶ stderr ──▶ var/log/supervisor.jsonl
"""

import os
import selectors
import signal
import sys
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from deploy.line import write_line
from deploy.supervisord import start_program

LEVELS = {"FATAL": "error", "BACKOFF": "warning", "UNKNOWN": "error"}


def main(socket: Path, pause_s: float) -> None:
    """Until supervisord stops us or closes our stdin. `pause_s`: after a give-up, before the next start."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    due: dict[str, float] = {}  # program → when to start it again
    stopping: dict[str, dict[str, str]] = {}
    try:
        for event in _events(sys.stdin.buffer, due, socket):
            name = f"{event['groupname']}:{event['processname']}"
            state = event["eventname"].removeprefix("PROCESS_STATE_")
            _log(state, event, pause_s)
            due.pop(name, None)
            stopping.pop(name, None)
            if state == "FATAL":
                due[name] = time.monotonic() + pause_s
            if state == "STOPPING":
                stopping[name] = event
    except SystemExit:
        for event in stopping.values():
            _log("STOPPED", event | {"from_state": "STOPPING"}, pause_s)
        raise


def _events(source: BinaryIO, due: dict[str, float], socket: Path) -> Iterator[dict[str, str]]:
    """Each event as its words; between events, start what is due."""
    with selectors.DefaultSelector() as selector:
        selector.register(source.fileno(), selectors.EVENT_READ)
        while True:
            _reply("READY\n")
            while not selector.select(max(0.0, min(due.values()) - time.monotonic()) if due else None):
                _start_due(due, socket)
            header = _words(_read_line(source.fileno()))
            if not header:
                return
            yield header | _words(_read(source.fileno(), int(header["len"])).decode())
            _reply("RESULT 2\nOK")


def _start_due(due: dict[str, float], socket: Path) -> None:
    for name in [name for name, at in due.items() if at <= time.monotonic()]:
        del due[name]
        try:
            start_program(socket, name)
        except (OSError, xmlrpc.client.Error) as wrong:
            write_line("supervisor", "error", "supervisor.restart_failed", program=name, error=str(wrong))


def _log(state: str, event: dict[str, str], pause_s: float) -> None:
    unexpected = state == "EXITED" and event.get("expected") == "0"
    level = "warning" if unexpected else LEVELS.get(state, "info")
    extra = {"retry_s": pause_s} if state == "FATAL" else {}
    fields = {"program": event["processname"], "was": event["from_state"].lower(), "program_pid": event.get("pid")}
    write_line("supervisor", level, f"program.{state.lower()}", **fields, **extra)


def _words(line: str) -> dict[str, str]:
    """`a:1 b:2` → {"a": "1", "b": "2"}."""
    return dict(word.split(":", 1) for word in line.split())


def _reply(text: str) -> None:
    os.write(sys.stdout.fileno(), text.encode())


def _read_line(descriptor: int) -> str:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 1)  # not buffered: the selector must see what is left
        if not piece:
            return ""
        line += piece
    return line.decode()


def _read(descriptor: int, length: int) -> bytes:
    body = b""
    while len(body) < length:
        body += os.read(descriptor, length - len(body))
    return body


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
