"""The system as it stands: the store, the gateways, the consumers, the settings without their secrets, the cost."""

import os
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from gateway import answers, fleet, lines
from gateway.dashboard.frame import Cost
from gateway.desk import Desk
from gateway.fleet import WorkerAnswer
from pipeline import log, verbs, views
from pipeline.errors import PipelineError, StoreAway
from pipeline.legible import legible
from pipeline.record import State
from pipeline.settings import Settings, host_name

SECRETS = ("admin_key", "dashboard_auth")
HIDDEN = "(set, not shown)"


class StoreNow(Struct, frozen=True, kw_only=True):
    """The store by its own word; null where it does not say, or an ACL does not let us ask."""

    server: str
    version: str
    used_bytes: int
    limit_bytes: int
    policy: str | None
    appendonly: str | None
    appendfsync: str | None
    last_write_ok: bool
    commands_per_s: int
    clients: int
    blocked_clients: int
    slow_commands: int | None
    keys: int
    uptime_s: int
    evicted: int
    warnings: list[str]


class GatewayNow(Struct, frozen=True, kw_only=True):
    """A gateway, by what it told the others last."""

    name: str
    host: str
    pid: int
    version: str
    started_at: str
    told_ms_ago: int
    skew_ms: int
    cost: Cost


class SystemAnswer(Struct, frozen=True, kw_only=True):
    """All of it. `cost`: of the dashboard, at all gateways together."""

    at: str
    store: StoreNow
    states: dict[State, int]
    gateways: list[GatewayNow]
    consumers: list[WorkerAnswer]
    kinds: dict[str, list[str]]
    settings: dict[str, Any]
    cost: Cost


class _About(Struct, frozen=True):
    host: str
    pid: int
    version: str
    started_at: int
    skew_ms: int
    cost: Cost


async def stand(desk: Desk, cost: Cost) -> None:
    """Tell the others that this gateway lives."""
    await desk.store.do(views.gateways(lines.instance(desk.settings), _about(desk, cost)))


async def answer(desk: Desk, cost: Cost) -> SystemAnswer:
    """The system now. Raises StoreAway."""
    await stand(desk, cost)
    known = await desk.store.do(views.gateways())
    beats = await desk.store.do(verbs.fleet())
    now_ms = desk.now_ms()
    gateways = legible(lambda each: _gateway(each, now_ms), sorted(known, key=lambda each: each.name))
    tabs = sum(each.cost.listeners for each in gateways)
    commands = round(sum(each.cost.commands_per_s for each in gateways), 1)
    return SystemAnswer(
        at=answers.time_text(now_ms),
        store=await _store(desk),
        states=await desk.store.do(verbs.counts()),
        gateways=gateways,
        consumers=fleet.workers(beats, now_ms),
        kinds={beat.name: beat.kinds for beat in beats},
        settings=shown(desk.settings),
        cost=Cost(tabs, commands),
    )


def shown(settings: Settings) -> dict[str, Any]:
    """The settings by the names of their variables, without secrets."""
    told = {f"HEADRACE_{name.upper()}": value for name, value in msgspec.structs.asdict(settings).items()}
    for name in SECRETS:
        variable = f"HEADRACE_{name.upper()}"
        told[variable] = HIDDEN if told.get(variable) else ""
    url = urlsplit(settings.redis_url)
    told["HEADRACE_REDIS_URL"] = f"{url.scheme}://{url.hostname}:{url.port or 6379}{url.path}"
    return told


# ── pieces ──


def _about(desk: Desk, cost: Cost) -> bytes:
    about = _About(host_name(), os.getpid(), log.VERSION, desk.began_ms, round(desk.skew_ms), cost)
    return msgspec.json.encode(about)


def _gateway(standing: views.Standing, now_ms: int) -> GatewayNow:
    """Raises msgspec.DecodeError for what a hand has written there."""
    about = msgspec.json.decode(standing.about, type=_About)
    return GatewayNow(
        name=standing.name,
        host=about.host,
        pid=about.pid,
        version=about.version,
        started_at=answers.time_text(about.started_at),
        told_ms_ago=max(0, now_ms - standing.at),
        skew_ms=about.skew_ms,
        cost=about.cost,
    )


async def _store(desk: Desk) -> StoreNow:
    told = _info((await desk.store.raw("INFO")).decode())
    config = await _config(desk)
    database = urlsplit(desk.settings.redis_url).path.strip("/") or "0"
    return StoreNow(
        server="Valkey" if "valkey_version" in told else "Redis",
        version=told.get("valkey_version", told.get("redis_version", "")),
        used_bytes=int(told.get("used_memory", 0)),
        limit_bytes=int(told.get("maxmemory", 0)),
        policy=told.get("maxmemory_policy"),
        appendonly=config.get("appendonly"),
        appendfsync=config.get("appendfsync"),
        last_write_ok=told.get("aof_last_write_status", "ok") == "ok",
        commands_per_s=int(told.get("instantaneous_ops_per_sec", 0)),
        clients=int(told.get("connected_clients", 0)),
        blocked_clients=int(told.get("blocked_clients", 0)),
        slow_commands=await _slow(desk),
        keys=_keys(told.get(f"db{database}", "")),
        uptime_s=int(told.get("uptime_in_seconds", 0)),
        evicted=int(told.get("evicted_keys", 0)),
        warnings=await desk.unsafe(),
    )


def _info(text: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _keys(text: str) -> int:
    found = dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)
    return int(found.get("keys", 0))


async def _config(desk: Desk) -> dict[str, str]:
    """What an ACL may forbid to ask; {} then."""
    try:
        reply = await desk.store.raw("CONFIG", "GET", "append*")
    except StoreAway:
        raise
    except PipelineError:
        return {}
    words = [word.decode() for word in reply]
    return dict(zip(words[::2], words[1::2], strict=True))


async def _slow(desk: Desk) -> int | None:
    try:
        return int(await desk.store.raw("SLOWLOG", "LEN"))
    except StoreAway:
        raise
    except PipelineError:
        return None
