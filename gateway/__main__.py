"""One gateway process: `python -m gateway`. Settings from the environment, JSON lines on standard output.

SIGTERM ─▶ not ready, waits answered ─▶ no new connections ─▶ requests under way end ─▶ exit 0
"""

import gc
import logging
import signal
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from gateway import access, lines
from gateway import app as application
from gateway.desk import Desk
from pipeline import log, settings
from pipeline.errors import SettingsError
from pipeline.settings import Settings

KEEP_ALIVE_S = 75  # longer than nginx keeps an idle connection: else a request meets one that is just closing
STOP_S = 15  # for requests under way; waits are answered at once
WRONG_USAGE = 2


class Server(uvicorn.Server):
    """uvicorn, which tells the desk of a stop before it stops listening."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT. (uvicorn's own would raise the signal again at the end: a polite stop exits with 0.)"""
        log.get().info("gateway.stopping", signal=signal.Signals(sig).name)
        self._desk.drain()
        self.force_exit = self.should_exit and sig == signal.SIGINT  # Ctrl-C twice
        self.should_exit = True


class Lines(logging.Handler):
    """The standard library's log, which uvicorn writes, as our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record, one line."""
        write = getattr(log.get(), record.levelname.lower(), log.get().info)
        write("server.says", logger=record.name, text=record.getMessage(), exc_info=record.exc_info)


def main() -> int:
    """Serve until a signal; the exit code."""
    try:
        mine = settings.read()
    except SettingsError as wrong:
        print(wrong, file=sys.stderr)
        return WRONG_USAGE
    if refusal := access.unsafe(mine):
        print(refusal, file=sys.stderr)
        return WRONG_USAGE
    log.configure("gateway", lines.instance(mine), mine.log_level)
    logging.basicConfig(handlers=[Lines()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    app = application.create(mine)
    _spare_the_collector()
    log.get().info("gateway.started", host=mine.host, port=mine.port)
    server = _server(app, mine)
    server.run()
    app.state.desk.lines.write()  # should it not have closed, as after Ctrl-C twice
    log.get().info("gateway.stopped")
    return 0 if server.started else 1


def _server(app: FastAPI, mine: Settings) -> Server:
    config = uvicorn.Config(
        app,
        host=mine.host,
        port=mine.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",  # a start that fails is a fault, and not "this application has none"
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=True,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
    )
    return Server(config, app.state.desk)


def _spare_the_collector() -> None:
    """What is loaded stays: without this a full collection of it is a pause of 30 ms in the 99th percentile."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


if __name__ == "__main__":
    sys.exit(main())
