"""The stack that is asked: nginx, two gateways, a consumer of two children, as `make up` has them, closed by a key."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.stack import ROOT
from tests.deploy.whole import Whole, until

LETTERS = 5  # dead letters that are there when it begins: whoever asks for one finds it
# Prices that take longer than any job of theirs may.
ENDLESS = {
    "kind": "option_european",
    "data": {
        "type": "call",
        "spot": 100,
        "strike": 105,
        "maturity": 1,
        "rate": 0.03,
        "volatility": 0.2,
        "paths": 50_000_000,
        "seed": 1,
    },
    "time_limit_s": 0.05,
}


class Asked:
    """`with Asked(folder) as stack:` runs until the end of the block."""

    def __init__(self, folder: Path) -> None:
        self.key = f"fuzz-{secrets.token_hex(16)}"
        changes: dict[str, object] = {"ADMIN_KEY": self.key, "WARM": "none", "WAIT_LIMIT_S": 1, "MAX_ATTEMPTS": 1}
        self.whole = Whole(folder, **changes, LOG_LEVEL="info")
        self.pids: dict[str, int] = {}

    def __enter__(self) -> "Asked":
        self.whole.up()
        try:
            self._bury()
            self.pids = self.whole.pids()
        except BaseException:
            self.whole.down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.whole.down()

    def _bury(self) -> None:
        for _ in range(LETTERS):
            answer = self.ask("POST", "/tasks", ENDLESS)
            assert answer.status == 202, answer.text
        until(lambda: len(self.ask("GET", "/dead-letters").json["letters"]) >= LETTERS)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Through nginx, with the key."""
        return self.whole.ask(method, path, body, authorization=f"Bearer {self.key}")

    def broken(self) -> list[str]:
        """What went wrong inside, whatever was answered: processes that are others now, lines that tell of a bug."""
        others = [name for name, pid in self.whole.pids().items() if self.pids.get(name) != pid]
        lines = [line for line in self.whole.lines("gateway-*") if line["event"] == "request.broke"]
        lines += [line for line in self.whole.lines("consumer-*") if line["level"] == "error"]
        return [f"{name} was started again" for name in others] + [str(line) for line in lines]

    def by_schemathesis(self, *options: str, limit_s: float) -> subprocess.CompletedProcess[str]:
        """Ask what the OpenAPI document says can be asked, with all checks."""
        words = ["--config-file", str(ROOT / "tests/fuzz/schemathesis.toml"), "run"]
        words += [f"http://127.0.0.1:{self.whole.port}/openapi.json", *options]
        program = Path(sys.executable).parent / "schemathesis"
        environ = os.environ | {"HEADRACE_ADMIN_KEY": self.key, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [str(program), *words],
            cwd=self.whole.var,
            env=environ,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
