"""The command `headrace`: JSON lines in a pipe, tables on a terminal, and exit codes."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from headrace_client import Client, command

from pipeline import apikeys, verbs
from tests.client.conftest import CLIENT, ROOT, Shell, Stand
from tests.consumer.house import until
from tests.servers import free_port

Lines = list[dict[str, object]]
WORDS = (sys.executable, "-m", "headrace_client.command")


@pytest.fixture
def headrace(shell: Shell) -> Callable[..., tuple[int, Lines, str]]:
    """Runs it in a pipe: exit code, JSON lines, standard error."""

    def run(*words: str, **environ: str) -> tuple[int, Lines, str]:
        done = shell("-m", "headrace_client.command", *words, **environ)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return run


def on_a_terminal(stand: Stand, *words: str, stop_when: str = "") -> str:
    """What it prints on a terminal of 200 columns; Ctrl-C when a text has come."""
    main, side = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(CLIENT), "HEADRACE_URL": stand.url, "COLUMNS": "200"}
    process = subprocess.Popen(
        [*WORDS, *words], env=environ, stdout=side, stderr=side, stdin=side, preexec_fn=_heed_ctrl_c
    )
    os.close(side)
    said = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:  # the other side is closed
            break
        said += piece
        if not piece or (stop_when and stop_when in said.decode(errors="replace")):
            process.send_signal(signal.SIGINT)
            break
    process.wait(60)
    os.close(main)
    return said.decode()


def _heed_ctrl_c() -> None:
    """A shell has what it runs in the background ignore it, and who ignores it hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_submit_and_wait_in_a_pipe(headrace) -> None:
    code, (task,), told = headrace("submit", "compound_interest", "amount=10000", "rate=0.05", "--wait", "--label", "x")
    assert (code, task["state"], task["label"]) == (0, "succeeded", "x")
    assert task["result"]["total"] == 10511.62
    assert told == f"task {task['task_id']}\n"
    assert headrace("show", task["task_id"])[1] == [task]
    assert headrace("wait", task["task_id"])[:2] == (0, [task])
    code, (again,), _ = headrace("rerun", task["task_id"], "--wait")
    assert again["rerun"] == {"of": task["task_id"], "sha256": task["result_sha256"], "same_bits": True}


def test_data_come_from_a_file_and_fields_beside_it(headrace, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"do": "sleep", "seconds": 60}')
    _, (accepted,), _ = headrace("submit", "act", "do=answer", "parts=3", "-f", "data.json", "--priority", "high")
    code, (task,), _ = headrace("wait", str(accepted["task_id"]))
    assert (code, task["priority"], task["result"]["total"]) == (0, "high", 3)


def test_what_goes_wrong_has_its_exit_code(headrace, stand: Stand, hold: Path) -> None:
    code, (task,), told = headrace("submit", "act", "do=refuse", "--wait")
    assert (code, task["error"]["code"]) == (1, "as_asked")
    assert "as_asked: Not with these numbers." in told
    assert headrace("retry", task["task_id"], "--wait")[0] == 1
    _, (good,), _ = headrace("submit", "noop")
    code, both, told = headrace("wait", task["task_id"], good["task_id"])
    assert (code, [each["state"] for each in both]) == (1, ["failed", "succeeded"])
    assert "as_asked: Not with these numbers." in told
    code, lines, told = headrace("submit", "compound_interest", "amount=-1", "raet=1")
    assert (code, lines) == (2, [])
    assert "did you mean 'rate'" in told
    assert headrace("submit", "noop", "amount")[0] == 2
    assert headrace("submit", "noop", "-f", "nowhere.json")[0] == 2
    assert headrace("show", "nobody")[0] == 2
    code, _, told = headrace("kinds", "--patience", "0.5", "--url", f"http://127.0.0.1:{free_port()}")
    assert code == 3
    assert "Nobody answers" in told
    code, _, told = headrace("submit", "act", f"hold={hold}", "--wait", "--patience", "0.5")
    hold.unlink()
    assert code == 5
    assert "It goes on" in told


def test_a_key_that_is_none_or_not_enough_has_its_exit_code(headrace, own_stand: Stand) -> None:
    text, key = apikeys.make("viewer", "ann")
    own_stand.house.ask(verbs.keep_apikey(key))
    url = own_stand.gateway().url
    assert headrace("list", "--url", url)[0] == 4
    assert headrace("list", "--url", url, HEADRACE_API_KEY=text)[:2] == (0, [])
    code, _, told = headrace("pause", "low", "--reason", "x", HEADRACE_API_KEY=text, HEADRACE_URL=url)
    assert code == 4
    assert "needs the role operator" in told


def test_tasks_are_listed_tailed_and_cancelled(headrace, client: Client) -> None:
    code, lines, _ = headrace("submit", "act", "do=sleep", "seconds=0.2", "parts=4")
    id = str(lines[0]["task_id"])
    code, events, _ = headrace("tail", id)
    assert (code, events[0]["event"], events[-1]["event"]) == (0, "state", "end")
    assert headrace("list", "--kind", "act", "--state", "succeeded", "--limit", "1")[1][0]["task_id"] == id
    ids = [client.submit("act", {"do": "sleep", "seconds": 60}).task_id for _ in range(2)]
    code, cancelled, told = headrace("cancel", ids[0], id, ids[1], "--reason", "not today")
    assert code == 2
    assert id in told, "what had ended already is told, and the others are cancelled all the same"
    assert [(task["state"], task["cancel_reason"]) for task in cancelled] == [("cancelled", "not today")] * 2
    code, events, told = headrace("tail", ids[0])
    assert code == 1
    assert "cancelled before it had a result" in told


def test_operators_have_their_commands(headrace, client: Client) -> None:
    task = client.wait(client.submit("act", {"do": "raise"}))
    letter = next(each for each in headrace("dead-letters")[1] if each["task_id"] == task.task_id)
    assert headrace("dead-letters", "--remove", str(letter["letter_id"]))[:2] == (0, [])
    assert headrace("dead-letters", "--remove", str(letter["letter_id"]))[0] == 2
    assert headrace("pause", "low", "--reason", "month's end")[1][2]["paused"]["reason"] == "month's end"
    assert headrace("resume", "low")[1][2]["paused"] is None
    assert len(headrace("workers")[1][0]["children"]) == 2
    (view,) = headrace("top")[1]
    assert set(view) == {"queues", "workers", "running"}
    assert {kind["kind"] for kind in headrace("kinds")[1]} >= {"var_mc", "noop"}
    assert headrace("kinds", "loan")[1][0]["schema"]["title"] == "loan"


def test_a_terminal_gets_tables(stand: Stand, client: Client) -> None:
    task = client.submit("noop", {}, label="evil \x1b[31mred\n")
    listed = on_a_terminal(stand, "list", "--limit", "2").splitlines()
    assert listed[0].split() == [*command.TASKS]
    assert listed[1].startswith(task.task_id)
    assert "evil  [31mred" in listed[1], "what others have written cannot steer the terminal"
    assert json.loads(on_a_terminal(stand, "list", "--limit", "1", "--json"))["label"] == "evil \x1b[31mred\n"
    shown = on_a_terminal(stand, "submit", "act", "do=sleep", "seconds=0.3", "parts=4", "--wait")
    assert re.search(r"\[#+-*\]  \d/4", shown)
    assert "4/4  100%  succeeded" in shown
    assert re.search(r"^state +succeeded", shown, re.MULTILINE)
    tailed = on_a_terminal(stand, "tail", client.submit("act", {"parts": 2}).task_id)
    assert tailed.splitlines()[-1].startswith("succeeded")


def test_top_looks_again_and_again_until_it_is_interrupted(stand: Stand) -> None:
    shown = on_a_terminal(stand, "top", "--every", "0.1", stop_when=f"{command.CLEAR}{stand.url}")
    assert shown.startswith(command.CLEAR)


def test_who_interrupts_a_wait_leaves_the_task_running(stand: Stand, client: Client, hold: Path) -> None:
    shown = on_a_terminal(stand, "submit", "act", f"hold={hold}", "--wait", stop_when="running")
    id = re.findall(r"task ([0-9A-Z]{26})", shown)[0]
    assert client.look(id).state == "running"
    hold.unlink()
    assert client.wait(id).state == "succeeded"


def test_a_reader_that_has_seen_enough_is_no_error(stand: Stand, client: Client) -> None:
    client.gather(client.map("noop", [{}] * 300))
    environ = {**os.environ, "PYTHONPATH": str(CLIENT), "HEADRACE_URL": stand.url}
    process = subprocess.Popen(
        [*WORDS, "list", "--limit", "300"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert until(lambda: process.poll() is not None)
    assert (process.returncode, process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_the_package_names_the_command_and_depends_on_httpx_alone() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    module, _, name = project["scripts"]["headrace"].partition(":")
    assert getattr(import_module(module), name) is command.main
    assert [re.split("[<>=]", each)[0] for each in project["dependencies"]] == ["httpx"]


def test_every_command_and_every_method_is_on_the_page() -> None:
    page = (ROOT / "docs/client.md").read_text()
    (commands,) = (action for action in command.parser()._actions if action.dest == "command")
    for name in commands.choices or ():
        assert f"headrace {name}" in page, name
    for name, what in vars(Client).items():
        if callable(what) and not name.startswith("_") and name not in ("close", "carry"):
            assert f"`{name}" in page or f"client.{name}(" in page, name
    for code in (*{code for _, code in command.EXIT_CODES}, command.INTERRUPTED):
        assert re.search(rf"^\| {code} \|", page, re.MULTILINE), code
