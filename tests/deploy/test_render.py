"""The rendered configuration files: complete, accepted by the programs they are for, limits nested."""

import configparser
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import door, render
from deploy.stack import ROOT, Stack, read
from gateway.__main__ import KEEP_ALIVE_S
from pipeline import settings
from pipeline.errors import SettingsError


def test_a_name_without_a_value_and_a_value_without_a_name_are_errors() -> None:
    assert render.fill("a @B@ c", {"B": "b"}) == "a b c"
    with pytest.raises(ValueError, match="'C'"):
        render.fill("@B@ @C@", {"B": "b"})
    with pytest.raises(ValueError, match="'C'"):
        render.fill("@B@", {"B": "b", "C": "c"})


@pytest.mark.parametrize("where", ["here", "compose"])
def test_nginx_accepts_its_configuration_and_keeps_connections(
    make_stack: Callable[..., Stack], tmp_path: Path, where: str
) -> None:
    stack = make_stack()
    text = render.nginx_here(stack) if where == "here" else render.nginx_compose(stack.settings)
    conf = tmp_path / "nginx.conf"
    conf.write_text(re.sub(r"(?<![\w\"])/tmp/", f"{tmp_path}/", text))
    for folder in (tmp_path, stack.var):
        folder.mkdir(exist_ok=True)
        door.write(folder, render.COMPOSE_DASHBOARD_PORT, stack.wanted.dashboard_auth)
    tested = subprocess.run(
        [stack.nginx, "-t", "-e", "stderr", "-p", f"{tmp_path}/", "-c", conf], capture_output=True, text=True
    )
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    assert re.search(r"keepalive \d+;", text)
    assert 'proxy_set_header Connection "";' in text
    assert "least_conn;" in text
    servers = re.findall(r"server (\S+) (?:resolve )?max_fails=1 fail_timeout=3s;", text)
    ports = [f"127.0.0.1:{port}" for port in stack.gateway_ports]
    assert servers == (ports if where == "here" else ["gateway:8000"])


def test_nginx_waits_longer_than_the_longest_wait(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    limit = re.search(r"proxy_read_timeout (\d+)s;", render.nginx_here(stack))
    assert limit
    assert float(limit[1]) > stack.settings.wait_limit_s


def test_nginx_closes_an_idle_connection_before_the_gateway_does() -> None:
    """B56: else a request meets a connection that is just being closed: a rare 502."""
    template = (ROOT / "nginx" / "nginx.conf.template").read_text()
    idle = re.search(r"keepalive 64;\n\s+keepalive_timeout (\d+)s;", template)
    assert idle
    assert 2 * int(idle[1]) < KEEP_ALIVE_S


@pytest.mark.parametrize(("durable", "appendfsync", "syncs"), [("everysec", "no", "1"), ("always", "always", "0")])
def test_the_embedded_store_is_durable_on_loopback_and_never_evicts(
    make_stack: Callable[..., Stack], durable: str, appendfsync: str, syncs: str
) -> None:
    text = render.redis(make_stack(HEADRACE_DURABLE=durable))
    lines = dict(line.split(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    expected = {
        "bind": "127.0.0.1",
        "appendonly": "yes",
        "appendfsync": appendfsync,
        "maxmemory": "2048mb",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "1024",
    }
    assert {name: lines[name] for name in expected} == expected
    assert _supervisor(make_stack(HEADRACE_DURABLE=durable)).get("program:sync", "numprocs") == syncs


def _supervisor(stack: Stack) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    parser.read_string(render.supervisor(stack))
    return parser


def test_programs_stop_from_the_outside_in(make_stack: Callable[..., Stack]) -> None:
    parser = _supervisor(make_stack())
    names = ["store", "sync", "audit", "webhooks", "consumer", "gateway", "nginx"]
    order = sorted(names, key=lambda name: parser.getint(f"program:{name}", "priority"))
    assert order == names, "supervisord stops in the reverse of this"


def test_each_program_is_tied_to_supervisord(make_stack: Callable[..., Stack]) -> None:
    """By the signal that also stops it politely."""
    stack = make_stack()
    parser = _supervisor(stack)
    programs = [name for name in parser.sections() if name.startswith(("program:", "eventlistener:"))]
    assert len(programs) == 9
    for name in programs:
        python, isolated, bare, tied, pidfile, signal = parser.get(name, "command").split()[:6]
        assert (isolated, bare, Path(tied).name, pidfile) == ("-I", "-S", "tied.py", str(stack.pidfile))
        assert Path(python).name.startswith("python")
        assert signal == parser.get(name, "stopsignal", fallback="TERM")


def test_the_consumers_are_told_how_many_share_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its memory is divided among them, whatever the environment says."""
    monkeypatch.setenv("HEADRACE_CONSUMERS", "5")
    monkeypatch.setenv("HEADRACE_CONSUMERS_HERE", "2")
    stack = read()
    assert stack.settings.consumers_here == 5
    assert stack.environ["HEADRACE_CONSUMERS_HERE"] == "5"


def test_a_consumer_is_stopped_alone_and_killed_with_its_children(make_stack: Callable[..., Stack]) -> None:
    consumer = dict(_supervisor(make_stack(HEADRACE_CONSUMERS="5")).items("program:consumer"))
    assert (consumer["stopasgroup"], consumer["killasgroup"], consumer["numprocs"]) == ("false", "true", "5")


def test_grace_is_below_what_supervisord_waits_and_that_below_the_limit_of_compose(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(HEADRACE_GRACE_S="7", HEADRACE_STOP_LIMIT_S="15")
    waits_s = _supervisor(stack).getfloat("program:consumer", "stopwaitsecs")
    assert stack.settings.grace_s < waits_s < stack.settings.stop_limit_s
    with pytest.raises(SettingsError, match="HEADRACE_STOP_LIMIT_S=10 is wrong: it must be at least HEADRACE_GRACE_S"):
        settings.read({"HEADRACE_GRACE_S": "7", "HEADRACE_STOP_LIMIT_S": "10"})


def test_a_given_server_means_no_store_of_ours(make_stack: Callable[..., Stack]) -> None:
    assert _supervisor(make_stack()).get("program:store", "numprocs") == "1"
    given = make_stack(HEADRACE_REDIS_URL="redis://:secret@10.0.0.1:6379/0")
    assert _supervisor(given).get("program:store", "numprocs") == "0"
    assert "secret" not in render.supervisor(given), "a password is never written to a file"


def test_paths_with_spaces_and_percent_signs_are_quoted(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = make_stack(HEADRACE_VAR=str(tmp_path / "100 % var"))
    command = _supervisor(stack).get("program:nginx", "command")
    assert f"'{tmp_path}/100 %% var/nginx'/" in command


def test_the_packaged_store_has_an_allocator_of_its_own_and_a_given_one_keeps_its(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack()
    environ = _supervisor(stack)["program:store"]["environment"]
    assert environ == f'LD_PRELOAD="{stack.store_environ["LD_PRELOAD"]}"'
    assert Path(stack.store_environ["LD_PRELOAD"]).is_file()
    assert not make_stack(HEADRACE_REDIS_SERVER="/usr/bin/redis-server").store_environ
