"""docs/inspect.md and `make inspect`: the same lines, and a shell takes each as it is meant."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.inspect import page
from deploy.inspect.asker import quoted, reached_by, typed
from deploy.inspect.question import line
from deploy.inspect.questions import everything
from deploy.stack import ROOT
from pipeline.store import Store
from tests.inspect.filled import Filled, fill
from tests.servers import Server, free_port

VARIABLES = {
    "TASK": "T1", "KIND": "k", "MINUTE": "202611251017", "OWNER": "o", "CODE": "c", "BATCH": "B1",
    "IDEMPOTENCY_KEY": "i-1", "SUBMISSION_ID": "s-1",
}  # fmt: skip
# In the place of redis-cli, so that this is tested where there is none: it says what it was given, a word a line.
ECHO = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"


def test_the_page_is_what_the_code_says() -> None:
    told = "run: python -m deploy.inspect page > docs/inspect.md"
    assert (ROOT / "docs" / "inspect.md").read_text() == page.text(), told


def lines() -> Iterator[tuple[list[str], str]]:
    """Each line's words with the variables filled in, and how the page shows it."""
    for questions in everything(page.ABOUT).values():
        for question in questions:
            for each in question.lines:
                words = list(each.words)
                for name, value in VARIABLES.items():
                    words = [word.replace(f"${name}", value) for word in words]
                yield words, typed(each, ["-p", "6390"])


@pytest.mark.parametrize("shell", sorted(filter(None, map(shutil.which, ("sh", "bash")))))
def test_a_shell_takes_each_line_as_it_is_meant(shell: str, tmp_path: Path) -> None:
    program = tmp_path / "redis-cli"
    program.write_text(ECHO)
    program.chmod(0o755)
    for words, shown in lines():
        command = [shell, "-c", shown.partition(" | ")[0]]
        environ = VARIABLES | {"PATH": str(tmp_path)}
        heard = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        assert heard.stdout.splitlines() == ["-p", "6390", *words]


def test_a_reply_is_searched_as_grep_does() -> None:
    assert typed(line("INFO", "memory", only="^(a|b):"), []) == "redis-cli INFO memory | grep -E '^(a|b):'"


@pytest.mark.parametrize(
    ("url", "options", "secret"),
    [
        ("redis://127.0.0.1:6390/0", "-p 6390", ""),
        ("redis://localhost", "-p 6379", ""),
        ("redis://:p%40ss@db.example:7000/3", "-h db.example -p 7000 -n 3", "p@ss"),
        ("rediss://ann:x@db.example:7000/0", "-h db.example -p 7000 --tls --user ann", "x"),
        ("unix:///run/redis.sock", "-s /run/redis.sock", ""),
    ],
)
def test_a_store_is_reached_by_its_address_and_its_password_is_not_printed(url: str, options: str, secret: str) -> None:
    said, environ = reached_by(url)
    assert said == [*options.split(), "--raw"]
    assert environ == ({"REDISCLI_AUTH": secret} if secret else {})


def test_only_variables_are_left_to_the_shell() -> None:
    assert quoted("{headrace}:task:$TASK") == '"{headrace}:task:$TASK"'
    assert quoted('out = {} "%a+$"') == "'out = {} \"%a+$\"'"


# ── the command ──


def make_inspect(port: int, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """`make inspect` without make, about a store on this port."""
    environ = {"HEADRACE_REDIS_URL": f"redis://127.0.0.1:{port}/0", "PATH": path}
    command = [sys.executable, "-m", "deploy.inspect", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def filled(store: Store, any_server: Server) -> Filled:
    with any_server.client() as hands:
        return fill(store, hands)


def test_it_prints_each_question_with_its_line_and_its_answer(filled: Filled, any_server: Server) -> None:
    ended = make_inspect(any_server.port, filled.buried)
    assert ended.returncode == 0, ended.stderr
    for questions in everything(page.ABOUT).values():
        assert all(question.asked in ended.stdout for question in questions)
    assert f"━━ One task ({filled.buried})" in ended.stdout
    assert (
        f"redis-cli -p {any_server.port} --raw LRANGE '{{headrace}}:task:{filled.buried}:history' 0 -1\n"
        in ended.stdout
    )
    assert " failed child_died\n" in ended.stdout
    newest = make_inspect(any_server.port)
    assert f"━━ One task ({filled.greedy[-1]})" in newest.stdout


def test_an_empty_store_has_answers_too(store: Store, any_server: Server) -> None:
    ended = make_inspect(any_server.port)
    assert ended.returncode == 0, ended.stderr
    assert "there is no record of it" in ended.stdout
    assert "succeeded 0" in ended.stdout


@pytest.mark.parametrize("path", ["", str(Path(shutil.which("redis-cli") or "/").parent)], ids=["alone", "redis-cli"])
def test_where_nothing_runs_it_says_what_to_do(path: str) -> None:
    ended = make_inspect(free_port(), path=path)
    assert ended.returncode == 3
    what, _, todo = ended.stderr.splitlines()
    assert (what, todo) == ("The store does not answer.", "Start everything:  make up")
