"""`make top`, as a person sees it: in a pipe, on a terminal, with the store gone and back, until Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.stack import ROOT
from deploy.top import lines
from pipeline import verbs
from pipeline.record import Beat, Pause
from pipeline.store import Store
from tests import servers
from tests.pipeline import steps

LIMIT_S = 60
COLUMNS = 72


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[servers.Server]:
    """A store that a test may kill."""
    server = servers.Server(tmp_path, servers.binaries()["valkey"]).start()
    yield server
    server.kill()


@contextmanager
def top(server: servers.Server, *words: str, output: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """The program over this store, for the length of a block."""
    environ = os.environ | {"HEADRACE_REDIS_URL": server.url}
    command = [sys.executable, "-m", "deploy.top", *words]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def ended(program: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code, once it has one, and what it complained of."""
    assert program.stderr
    return program.wait(LIMIT_S), program.stderr.read()


def until(program: subprocess.Popen[str], true: Callable[[str], bool]) -> str:
    """The first line of which something is true."""
    assert program.stdout
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and (line := program.stdout.readline()):
        if true(line):
            return line
    raise AssertionError(program.stderr.read() if program.stderr and program.poll() is not None else "no such line")


def cells(line: str) -> dict[str, str]:
    """A line by its heading; a figure and its unit are one cell."""
    words = re.sub(r"(\d) (ms|s|m|h|d|MiB|GiB)\b", r"\1\2", line).split()
    return dict(zip(("time", *lines.COLUMNS), words, strict=True))


def is_second(line: str) -> bool:
    return bool(re.match(r"\d\d:\d\d:\d\d +\d", line))


def test_a_line_a_second_tells_what_comes_and_goes_and_when_the_store_does(mine: servers.Server) -> None:
    store = Store(mine.settings(), "test")
    store.do(verbs.ready())
    with top(mine) as program:
        assert until(program, lambda line: "waiting" in line).split() == ["time", *lines.COLUMNS]
        first = cells(until(program, is_second))
        assert (first["waiting"], first["oldest"], first["util"], first["out/s"]) == ("0", "–", "–", "0.0")
        steps.submit(store, *(steps.new() for _ in range(3)))
        come = cells(until(program, lambda line: is_second(line) and cells(line)["in/s"] != "0.0"))
        assert (come["waiting"], come["running"]) == ("3", "0")
        assert re.fullmatch(r"\d+MiB|[\d.]+MiB", come["store"])
        for job in steps.take(store, 2):
            assert steps.finish(store, job)
        gone = cells(until(program, lambda line: is_second(line) and cells(line)["out/s"] != "0.0"))
        assert (gone["waiting"], gone["fail/s"]) == ("1", "0.0")
        assert gone["wait95"] != "–"
        mine.kill()
        assert "does not answer" in until(program, lambda line: not is_second(line))
        mine.start()
        assert until(program, lambda line: "does not answer" not in line).split() == ["time", *lines.COLUMNS]
        back = cells(until(program, is_second))
        assert (back["waiting"], back["out/s"]) == ("1", "0.0"), "what was counted before is no pace of now"
        program.send_signal(signal.SIGINT)
        assert ended(program) == (0, "")
    store.close()


def test_on_a_terminal_the_table_is_drawn_anew_in_its_place_and_fits_it(mine: servers.Server) -> None:
    store = Store(mine.settings(), "test")
    store.do(verbs.ready())
    store.do(verbs.pause("low", Pause("ann", "\x1b[2Jreason", 1)))
    busy = {"pid": 9, "cpu_s": 1, "rss_bytes": 2**25, "task": "T", "job": "p7", "kind": "var_mc", "since": 1}
    about = {"host": "h", "pid": 7, "version": "1", "started_at": 1, "beat_at": 0}
    alive = Beat(name="c-1", children=[busy, {"pid": 8, "cpu_s": 0, "rss_bytes": 1}], **about)  # type: ignore[arg-type]
    mine_end, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, COLUMNS, 0, 0))
    with top(mine, "full", output=theirs) as program:
        os.close(theirs)
        drawn = read(mine_end, lambda text: store.do(verbs.beat(alive)) and text.count("\x1b[H") >= 3)
        screen = plain(drawn.split("\x1b[H")[2])
        (row,) = [line.split() for line in screen if line.startswith(" c-1")]
        assert row[:5] == ["c-1", "0", "busy", "var_mc", "p7"]
        assert any("paused: ?[2Jreason" in line for line in screen), "a reason moves no cursor"
        assert max(map(len, screen)) <= COLUMNS
        program.send_signal(signal.SIGINT)
        assert ended(program) == (0, "")
    os.close(mine_end)
    store.close()


def plain(drawn: str) -> list[str]:
    """What stands on the screen, without colours."""
    return [re.sub(r"\x1b\[[0-9]*[A-Za-z]", "", line).rstrip() for line in drawn.splitlines()]


def read(end: int, true: Callable[[str], bool]) -> str:
    """What a terminal was sent, until something is true of it."""
    text, deadline = "", time.monotonic() + LIMIT_S
    while not true(text):
        assert time.monotonic() < deadline, text
        if select.select([end], [], [], 1)[0]:
            text += os.read(end, 65_536).decode(errors="replace")
    return text


def test_a_store_that_is_away_from_the_start_is_told_and_so_is_wrong_usage(tmp_path: Path) -> None:
    away = servers.Server(tmp_path, "nothing")
    with top(away) as program:
        code, said = ended(program)
        assert (code, "make up" in said) == (3, True)
    with top(away, "FULL=1") as program:
        assert ended(program) == (2, "Usage:  make top [FULL=1]\n")


def test_who_reads_no_more_ends_it(mine: servers.Server) -> None:
    with top(mine) as program:
        until(program, is_second)
        assert program.stdout
        program.stdout.close()
        assert ended(program) == (0, "")


def test_figures_keep_to_their_columns() -> None:
    assert len(lines.HEADING) == 80, "a terminal's width"
    assert [lines.span(ms) for ms in (None, 0, 999, 1_000, 99_900, 120_000, 5_940_000, 7_200_000, 10**9)] == [
        "–", "0 ms", "999 ms", "1.0 s", "99.9 s", "2 m", "99 m", "2.0 h", "12 d",
    ]  # fmt: skip
    assert [lines.amount(n) for n in (None, 0, 999, 1_000, 38_200_000, 4.1e12)] == [
        "–", "0", "999", "1k", "38.2M", "4100G",
    ]  # fmt: skip
    assert [lines.rate(n) for n in (0, 0.04, 38.24, 999.9, 12_345.6)] == ["0.0", "0.0", "38.2", "999.9", "12346"]
    assert [lines.size(n) for n in (0, 1_400_000, 2**25, 3 * 2**30)] == ["0.0 MiB", "1.3 MiB", "32 MiB", "3.0 GiB"]
    assert lines.cut("\x1b[1mheading\x1b[0m", 4) == "\x1b[1mhead\x1b[0m"
