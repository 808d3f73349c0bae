"""A real Prometheus with our own configuration and rules, looking at a run every second instead of every 15."""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.stack import ROOT
from tests.servers import free_port

OURS = ROOT / "deploy" / "prometheus"
BINARY, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
Measured = dict[tuple[str, ...], float]


class Prometheus:
    """Started in a folder of its own; `ask` is a query of now."""

    def __init__(self, folder: Path, gateways: list[int]) -> None:
        assert BINARY
        shutil.copytree(OURS, folder)
        text = (folder / "prometheus.yml").read_text()
        (folder / "prometheus.yml").write_text(re.sub(r"_interval: 15s", "_interval: 1s", text))
        targets = [{"targets": [f"127.0.0.1:{port}" for port in gateways]}]
        (folder / "gateways.json").write_text(json.dumps(targets))
        self._port = free_port()
        words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        words += [f"--web.listen-address=127.0.0.1:{self._port}"]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen([BINARY, *words], stdout=self._log, stderr=self._log)

    def ask(self, query: str, *labels: str) -> Measured:
        """The values of a query, by these labels."""
        asked = urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/query?{asked}", timeout=30) as answer:
            told: Any = json.load(answer)
        rows = told["data"]["result"]
        return {tuple(row["metric"].get(label, "") for label in labels): float(row["value"][1]) for row in rows}

    def until(self, query: str, right: Callable[[Measured], bool], *labels: str) -> Measured:
        """The values once they are right, or as they are after a minute and a half."""
        deadline = time.monotonic() + 90
        while True:
            try:
                found = self.ask(query, *labels)
            except OSError:  # it is starting
                found = {}
            if right(found) or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
