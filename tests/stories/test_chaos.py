"""Two minutes of chaos, from a fresh seed: the whole stack under load while all of it is killed, stopped and cut."""

import faulthandler
import subprocess
import sys

from deploy.stack import ROOT

LIMIT_S = 600  # ends a hang; a run takes about two and a half minutes


def test_two_minutes_of_chaos_lose_nothing(first_seed: int) -> None:
    """The figures, and the line that repeats it, are in the output."""
    faulthandler.cancel_dump_traceback_later()  # pytest's limit for one test is shorter than this one
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "2", "--seed", str(first_seed)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    print(ended.stdout, ended.stderr)
    assert ended.returncode == 0, "it does not hold: see above"
