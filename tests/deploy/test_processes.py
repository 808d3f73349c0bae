"""Which processes are ours: those that we started, and nobody else's."""

import os
import subprocess
from pathlib import Path

from deploy import processes
from deploy.stack import MARK


def test_a_program_that_inherits_a_setting_is_not_ours(tmp_path: Path) -> None:
    """A shell that exports HEADRACE_VAR starts other programs too; `down` must leave them alone."""
    environ = os.environ | {"HEADRACE_VAR": str(tmp_path)}
    stranger = subprocess.Popen(["sleep", "60"], env=environ)
    marked = subprocess.Popen(["sleep", "60"], env=environ | {MARK: str(tmp_path)})
    try:
        assert [process.pid for process in processes.ours(tmp_path)] == [marked.pid]
    finally:
        for process in (stranger, marked):
            process.kill()
            process.wait()
