"""The whole stack, as `make up` starts it, on ports and in a folder of its own; who runs in it, and tasks for it."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.measure import tree
from bench.stage import BACKLOG, KINDS, free_ports
from deploy import supervisord
from deploy.stack import ROOT, Stack
from pipeline import ids, settings, verbs
from pipeline.record import Beat, NewTask
from pipeline.settings import Settings
from pipeline.store import Store

PROGRAMS = ("gateway", "nginx", "store", "consumer")


class Live:
    """A running stack: nginx's port, the store, the processes, and how long `deploy up` took."""

    def __init__(self, stack: Stack, http: int, up_s: float) -> None:
        self.stack, self.http, self.up_s = stack, http, up_s
        self.settings = Settings(redis_url=f"redis://127.0.0.1:{stack.wanted.store_port}/0")
        self.store = Store(self.settings, "bench")
        self._key = self.store.do(verbs.idkey(secrets.token_bytes(16)))

    def pids(self, group: str) -> list[int]:
        """The programs of a group that run now; a consumer's children are not among them."""
        return [program.pid for program in supervisord.programs(self.stack) if program.group == group and program.pid]

    def groups(self) -> dict[str, list[int]]:
        """All processes by group."""
        return {group: [pid for one in self.pids(group) for pid in tree(one)] for group in PROGRAMS}

    def tasks(self, count: int, kind: str, data: bytes, **changes: object) -> list[NewTask]:
        """Tasks of one part, as a gateway would submit them."""
        at_ms = self.store.do(verbs.clock())
        model = NewTask(
            id="",
            kind=kind,
            data=data,
            parts=1,
            first_wave=8,
            largest_wave=64,
            window=32,
            versions="{}",
            sha256="0" * 64,
            **changes,  # type: ignore[arg-type]
        )
        return [msgspec.structs.replace(model, id=ids.mint(at_ms, self._key)) for _ in range(count)]

    def submit(self, count: int, kind: str, data: bytes, **changes: object) -> list[str]:
        """Submit so many tasks; their ids."""
        tasks = self.tasks(count, kind, data, **changes)
        for at in range(0, count, verbs.MOST_A_CALL):
            self.store.do(verbs.submit(tasks[at : at + verbs.MOST_A_CALL], BACKLOG, self.settings.share))
        return [task.id for task in tasks]

    def fleet(self) -> list[Beat]:
        """The heartbeats."""
        return self.store.do(verbs.fleet())


@contextmanager
def live(kinds: str = KINDS, **wanted: object) -> Iterator[Live]:
    """Start one; `wanted` are settings by name, like `consumers=1`."""
    gateways = int(str(wanted.get("gateways", 3)))
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        first = free_ports(gateways + 3)
        ports = {"http_port": first, "store_port": first + 1, "gateway_port": first + 2}
        ports["dashboard_port"] = first + 2 + gateways
        chosen = {"var": folder, "redis_url": "", "kinds": kinds, **ports, **wanted}
        env = os.environ | {f"HEADRACE_{name.upper()}": str(value) for name, value in chosen.items()}
        deploy = [sys.executable, "-m", "deploy"]
        begun = time.perf_counter()
        subprocess.run([*deploy, "up"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        up_s = time.perf_counter() - begun
        try:
            yield Live(stack_of(Path(folder), first, first + 2, first + 1, gateways), first, up_s)
        finally:
            subprocess.run([*deploy, "down"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)


def stack_of(folder: Path, http: int, gateway: int, store: int = 0, gateways: int = 3) -> Stack:
    """What deploy calls a stack, for these ports and this folder."""
    environ = {"HEADRACE_VAR": str(folder), "HEADRACE_HTTP_PORT": str(http), "HEADRACE_GATEWAY_PORT": str(gateway)}
    environ |= {"HEADRACE_DASHBOARD_PORT": str(gateway + gateways)}  # the one after the gateways'
    environ |= {"HEADRACE_GATEWAYS": str(gateways)} | ({"HEADRACE_STORE_PORT": str(store)} if store else {})
    return Stack(
        root=ROOT,
        var=folder,
        wanted=settings.deployment(environ),
        settings=settings.read(environ),
        environ=environ,
    )
