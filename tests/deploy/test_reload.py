"""Development by hand: a process starts again when its source changes, and ends politely."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy import reload
from deploy.stack import ROOT

# Says that it has started and that it was asked to end.
PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop", flush=True), sys.exit(0)))
print("version {}", flush=True)
{}
"""
START = (
    "import sys; from pathlib import Path; from deploy import reload; sys.exit(reload.main(['gateway'], Path({!r})))"
)


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_change_starts_it_again_also_after_it_ended_by_itself(tmp_path: Path) -> None:
    source, log = tmp_path / "gateway" / "__main__.py", tmp_path / "log"
    source.parent.mkdir()
    source.write_text(PROGRAM.format(1, "time.sleep(60)"))
    with log.open("wb") as out:
        command = [sys.executable, "-c", START.format(str(tmp_path))]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    try:
        until(lambda: "version 1" in log.read_text())
        source.write_text(PROGRAM.format(2, "1 / 0"))
        until(lambda: "ZeroDivisionError" in log.read_text())
        (tmp_path / "gateway" / "new.py").touch()
        source.write_text(PROGRAM.format(3, "time.sleep(60)"))
        until(lambda: "version 3" in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    said = [line for line in log.read_text().splitlines() if line.startswith(("version", "asked", "──"))]
    assert said[:4] == ["version 1", "── changed: gateway/__main__.py", "asked to stop", "version 2"]
    assert said[-2:] == ["version 3", "asked to stop"]
    assert any("gateway/new.py" in line for line in said[4:-1])


def test_our_own_sources_are_looked_at() -> None:
    seen = {str(path.relative_to(ROOT)) for path in reload.look(ROOT)}
    assert {"pipeline/scripts/take.lua", "calc/kinds/var_mc.py", "consumer/worker.py", "tests/kinds/noop.py"} <= seen


def test_it_says_how_it_is_used() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.reload"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "Usage: python -m deploy.reload gateway|consumer|webhooks\n")
