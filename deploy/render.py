"""Configuration files from templates: `@NAME@` is replaced; a name without a value, or the reverse, is an error.

The nginx image of Compose is made with `python -m deploy.render compose > nginx.conf`.
"""

import os
import re
import shlex
import sys
from pathlib import Path

from deploy import door, supervisord
from deploy.stack import ROOT, Stack
from pipeline.settings import Settings, read, stop_wait_s

NAME = re.compile(r"@([A-Z_]+)@")
COMPOSE_DASHBOARD_PORT = 5555  # in nginx' container, whose image is made before the password is known
FOLDERS = ("log", "run", "store", "nginx")
# How long nginx waits for an answer: above the longest `Prefer: wait`, so that it never cuts one off.
READ_MARGIN_S = 15
# Who brings the store's file to the disk: deploy/sync.py each second, or the server before each answer.
APPENDFSYNC = {"everysec": "no", "always": "always"}


def fill(template: str, values: dict[str, str]) -> str:
    """The template with every `@NAME@` replaced."""
    named = set(NAME.findall(template))
    if named != set(values):
        raise ValueError(f"template and values differ in {sorted(named ^ set(values))}")
    return NAME.sub(lambda found: values[found[1]], template)


def write(stack: Stack) -> None:
    """Write all configuration into `var`. The folder is ours alone: it holds the store's data."""
    for folder in FOLDERS:
        (stack.var / folder).mkdir(parents=True, exist_ok=True)
    (stack.var / "run").chmod(0o700)
    (stack.var / "nginx.conf").write_text(nginx_here(stack))
    door.write(stack.var, stack.wanted.dashboard_port, stack.wanted.dashboard_auth)
    (stack.var / "redis.conf").write_text(redis(stack))
    (stack.var / supervisord.CONF).write_text(supervisor(stack))


def nginx_here(stack: Stack) -> str:
    """nginx for `make up`: on loopback, over the gateways' ports."""
    servers = (f"server 127.0.0.1:{port} max_fails=1 fail_timeout=3s;" for port in stack.gateway_ports)
    return _nginx(
        stack.settings,
        {
            # The master would change to `nobody`, who cannot reach a folder that is root's alone.
            "USER": "user root;" if os.geteuid() == 0 else "# not started as root: keeps the user that starts it",
            "FOLDER": "",
            "LISTEN": f"127.0.0.1:{stack.wanted.http_port}",
            "LISTEN_DASHBOARD": f"127.0.0.1:{stack.wanted.dashboard_port}",
            "DOOR_CONF": _nginx_quoted(stack.var / door.CONF),
            "DOOR_PASSWORDS": _nginx_quoted(stack.var / door.PASSWORDS),
            "RESOLVER": "",
            "SERVERS": "\n        ".join(servers),
        },
    )


def port_of(stack: Stack) -> int:
    """The port of the nginx that was started last, by its configuration."""
    found = re.search(r"listen 127\.0\.0\.1:(\d+);", (stack.var / "nginx.conf").read_text())
    return int(found[1]) if found else stack.wanted.http_port


def nginx_compose(settings: Settings) -> str:
    """nginx for Compose: Docker's name server says where the gateways are, asked anew each second."""
    return _nginx(
        settings,
        {
            "USER": "# the image starts it as a user without rights",
            "FOLDER": "/tmp/",
            "LISTEN": "8080",
            "LISTEN_DASHBOARD": str(COMPOSE_DASHBOARD_PORT),
            "DOOR_CONF": f"/tmp/{door.CONF}",
            "DOOR_PASSWORDS": f"/tmp/{door.PASSWORDS}",
            "RESOLVER": "resolver 127.0.0.11 valid=1s ipv6=off;\n    resolver_timeout 2s;",
            "SERVERS": "server gateway:8000 resolve max_fails=1 fail_timeout=3s;",
        },
    )


def _nginx(settings: Settings, place: dict[str, str]) -> str:
    common = {
        "BODY_LIMIT_BYTES": str(settings.body_limit_bytes),
        "READ_LIMIT_S": f"{settings.wait_limit_s + READ_MARGIN_S:.0f}s",
    }
    return fill((ROOT / "nginx" / "nginx.conf.template").read_text(), place | common)


def redis(stack: Stack) -> str:
    """The embedded store's configuration."""
    template = (ROOT / "deploy" / "redis.conf.template").read_text()
    wanted = stack.wanted
    values = {"PORT": str(wanted.store_port), "FOLDER": str(stack.var / "store")}
    return fill(
        template,
        values | {"APPENDFSYNC": APPENDFSYNC[stack.settings.durable], "MEMORY_MB": str(wanted.store_memory_mb)},
    )


def supervisor(stack: Stack) -> str:
    """supervisord's configuration: the programs, their order, their limits."""
    template = (ROOT / "deploy" / "supervisord.conf.template").read_text()
    folder = stack.var / "nginx"
    python, tied = _quoted(Path(sys.executable)), _quoted(ROOT / "deploy" / "tied.py")
    return fill(
        template,
        {
            "ROOT": _escaped(stack.root),
            "USER": "user=root" if os.geteuid() == 0 else "; not started as root",
            "SOCKET": _quoted(stack.socket),
            "PYTHON": python,
            "TIED": f"{python} -I -S {tied} {_quoted(stack.pidfile)}",
            "CONSUMERS": str(stack.wanted.consumers),
            "WEBHOOKS": str(stack.wanted.webhooks),
            "GATEWAYS": str(stack.wanted.gateways),
            "GATEWAY_PORT": str(stack.wanted.gateway_port),
            "STOP_WAIT_S": f"{stop_wait_s(stack.settings):.0f}",
            "NGINX": f"{_quoted(stack.nginx)} -e stderr -p {_quoted(folder)}/ -c {_quoted(stack.var / 'nginx.conf')}",
            "STORES": "1" if stack.embedded else "0",
            "SYNCS": "1" if stack.embedded and stack.settings.durable == "everysec" else "0",
            "STORE_FOLDER": _quoted(stack.var / "store"),
            "TRACES": "1" if stack.wanted.otlp_endpoint else "0",
            "AUDITS": "1" if stack.wanted.audit == "on" else "0",
            "AUDIT_FOLDER": _quoted(stack.var / "audit"),
            "STORE_ENVIRON": ",".join(f'{name}="{_escaped(Path(text))}"' for name, text in stack.store_environ.items()),
            "STORE": f"{_quoted(stack.redis_server)} {_quoted(stack.var / 'redis.conf')}",
        },
    )


def _nginx_quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")  # supervisord replaces %(…)s


def _quoted(path: Path) -> str:
    return _escaped(Path(shlex.quote(str(path))))


if __name__ == "__main__":
    if sys.argv[1:] != ["compose"]:
        sys.exit("Usage: python -m deploy.render compose")
    sys.stdout.write(nginx_compose(read()))
