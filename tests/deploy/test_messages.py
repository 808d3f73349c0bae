"""What `make up` says when something is not right: what, why, what to do, and exit code 4."""

import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from deploy import checks, doctor
from deploy.stack import ROOT, Stack
from deploy.tell import ENVIRONMENT, Problem, since
from pipeline import log, verbs
from pipeline.record import Beat
from pipeline.store import Store
from tests.deploy.ports import free_run
from tests.servers import Server


def refused(check: Callable[[], None]) -> Problem:
    with pytest.raises(Problem) as caught:
        check()
    assert caught.value.exit_code == ENVIRONMENT
    assert all((caught.value.what, caught.value.why, caught.value.todo))
    return caught.value


def test_a_free_machine_is_fine(make_stack: Callable[..., Stack]) -> None:
    checks.everything(make_stack())


@pytest.mark.parametrize(
    ("which", "todo"),
    [
        ("http_port", "make up PORT="),
        ("dashboard_port", "HEADRACE_DASHBOARD_PORT="),
        ("gateway_port", "HEADRACE_GATEWAY_PORT="),
        ("store_port", "HEADRACE_STORE_PORT="),
    ],
)
def test_a_port_in_use_names_who_holds_it(make_stack: Callable[..., Stack], which: str, todo: str) -> None:
    stack = make_stack()
    port = getattr(stack.wanted, which)
    with socket.create_server(("127.0.0.1", port)):
        problem = refused(lambda: checks.ports(stack))
    assert re.fullmatch(rf'Port {port} is already in use by "[^"]+" \(pid {os.getpid()}\)\.', problem.what)
    assert todo in problem.todo


def test_a_port_that_was_closed_just_now_is_free() -> None:
    port = free_run(1)
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)):
        server.accept()[0].close()  # our side closes first: the port waits in TIME_WAIT
    assert checks.port_is_free(port)


def test_ports_that_overlap_are_refused(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(HEADRACE_GATEWAY_PORT="18080", HEADRACE_HTTP_PORT="18081")
    assert "18081" in refused(lambda: checks.ports_differ(stack)).what


def test_an_old_python_is_refused() -> None:
    problem = refused(lambda: checks.refuse_python((3, 9, 2), "/usr/bin/python3"))
    assert problem.what == "Headrace needs Python 3.11 or newer; this is 3.9.2 (/usr/bin/python3)."
    assert "HEADRACE_PYTHON=" in problem.todo


@pytest.fixture
def nobody() -> Iterator[None]:
    """A user without rights: root may write everywhere."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(mine)


def test_a_folder_of_somebody_else_is_refused(make_stack: Callable[..., Stack], tmp_path: Path, nobody: None) -> None:
    os.seteuid(os.getuid())
    var = tmp_path / "var"
    var.mkdir()
    for above in tmp_path.parents[:3]:
        above.chmod(0o755)
    tmp_path.chmod(0o755)
    var.chmod(0o555)
    stack = make_stack()
    if os.getuid() == 0:
        os.seteuid(65_534)
    problem = refused(lambda: checks.folder(stack))
    assert re.match(r"Cannot write to \S+/var \(owner \S+, you are \S+\)\.", problem.what)
    assert "chown -R" in problem.todo
    assert "HEADRACE_VAR=" in problem.todo


def test_a_folder_that_cannot_be_made_is_refused(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    stack = make_stack(HEADRACE_VAR=str(tmp_path / "file" / "var"))
    assert f"Nothing can be made in {tmp_path}/file" in refused(lambda: checks.folder(stack)).why


def test_a_path_too_long_for_a_socket_is_refused(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = make_stack(HEADRACE_VAR=str(tmp_path / ("long" * 30)))
    assert "too long" in refused(lambda: checks.folder(stack)).what


def test_a_store_that_does_not_answer_is_named_without_its_password(make_stack: Callable[..., Stack]) -> None:
    port = free_run(1)
    stack = make_stack(HEADRACE_REDIS_URL=f"redis://me:secret@127.0.0.1:{port}/0")
    problem = refused(lambda: checks.store(stack))
    assert problem.what == f"The store at redis://127.0.0.1:{port} does not answer."
    assert "secret" not in str(problem)
    assert "make up HEADRACE_REDIS_URL=" in problem.todo


def test_an_nginx_that_is_too_old_or_none_is_refused(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    old = tmp_path / "nginx"
    old.write_text("#!/bin/sh\necho nginx version: nginx/1.22.1 >&2\n")
    old.chmod(stat.S_IRWXU)
    stack = make_stack(HEADRACE_NGINX=str(old))
    assert "nginx 1.27.3 or newer is needed" in refused(lambda: checks.binaries(stack)).what
    none = make_stack(HEADRACE_NGINX=str(tmp_path / "none"))
    assert "does not run" in refused(lambda: checks.binaries(none)).what


def test_a_consumer_of_another_version_is_named(make_stack: Callable[..., Stack], server: Server) -> None:
    """It would calculate with other code than the answer says."""
    stack = make_stack(HEADRACE_REDIS_URL=server.url, HEADRACE_PREFIX="{versions}")
    with closing(Store(stack.settings, "test")) as store:
        store.do(verbs.ready())
        beat = Beat(name="c-1", host="h", pid=7, version=log.VERSION, started_at=1, beat_at=0, children=[])
        store.do(verbs.beat(beat))
        doctor._versions_agree(stack)
        store.do(verbs.beat(msgspec.structs.replace(beat, name="c-2", version="0.0.9")))
    with pytest.raises(Problem) as caught:
        doctor._versions_agree(stack)
    assert "a consumer runs 0.0.9" in caught.value.why


@pytest.mark.parametrize(
    ("variable", "value"), [("HEADRACE_CONSUMERS", "0"), ("HEADRACE_HTTP_PORT", "http"), ("HEADRACE_STOP_LIMIT_S", "5")]
)
def test_a_wrong_setting_stops_the_command_with_its_name(variable: str, value: str) -> None:
    environ = os.environ | {variable: value}
    ended = subprocess.run(
        [sys.executable, "-m", "deploy", "up"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == ENVIRONMENT
    first, second, third = ended.stderr.splitlines()
    assert (first, third[:13]) == ("A setting is wrong.", "Every setting")
    assert second.startswith(f"{variable}=")


def test_wrong_usage() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "deploy", "dance"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (2, "Usage: python -m deploy up|down|status|logs|doctor\n")


@pytest.mark.parametrize(
    ("seconds", "said"), [(8.9, "8 s"), (725, "12 min"), (11_100, "3 h 5 min"), (187_300, "2 d 4 h")]
)
def test_lengths_of_time_in_words(seconds: float, said: str) -> None:
    assert since(seconds) == said
