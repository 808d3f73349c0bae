"""Asks the store in the words of redis-cli: through it where it is installed, else the same command over our own
connection. Both give the same text."""

import re
import shlex
import shutil
import subprocess
from typing import Any
from urllib.parse import unquote, urlsplit

from deploy.inspect.question import Line
from pipeline.errors import PipelineError, StoreAway
from pipeline.settings import Settings
from pipeline.store import Store

CLIENTS = ("redis-cli", "valkey-cli")
ANSWER_S = 10.0


class Asker:
    """One store, and how to reach it from a shell."""

    def __init__(self, settings: Settings, client: str | None = None) -> None:
        """`client`: the program to use; None: the first that is on PATH; "": none."""
        found = next((path for name in CLIENTS if (path := shutil.which(name))), "")
        self._client = found if client is None else client
        self._options, self._secret = reached_by(settings.redis_url)
        self._store = Store(settings, "inspect")

    def answer(self, line: Line) -> list[str]:
        """The lines of the reply, or of the refusal, as redis-cli prints them. Raises StoreAway."""
        text = self._by_client(line) if self._client else self._directly(line)
        return [said for said in text.splitlines() if re.search(line.only, said)]

    def typed(self, line: Line) -> str:
        """What to type in a shell."""
        return typed(line, self._options)

    def close(self) -> None:
        """Let go of our own connection."""
        self._store.close()

    def _by_client(self, line: Line) -> str:
        command = [self._client, *self._options, *line.words]
        ended = subprocess.run(command, capture_output=True, env=self._secret, timeout=ANSWER_S, check=False)
        if ended.returncode:
            raise StoreAway(ended.stderr.decode(errors="replace").strip())
        return ended.stdout.decode(errors="replace").removesuffix("\n")

    def _directly(self, line: Line) -> str:
        try:
            return "\n".join(flat(self._store.raw(*line.words)))
        except StoreAway:
            raise
        except PipelineError as refused:
            return str(refused)


def typed(line: Line, options: list[str]) -> str:
    """A line for a shell. `$NAME` in a word stays a variable."""
    words = " ".join(quoted(word) for word in ("redis-cli", *options, *line.words))
    return f"{words} | grep -E {quoted(line.only)}" if line.only else words


def quoted(word: str) -> str:
    """In double quotes where a variable is meant, else as the shell takes it literally."""
    return f'"{word}"' if re.search(r"\$[A-Z]", word) else shlex.quote(word)


def reached_by(url: str) -> tuple[list[str], dict[str, str]]:
    """redis-cli's options for a store's address, and the environment that holds its password, which nobody prints."""
    at = urlsplit(url)
    options = ["-s", unquote(at.path)] if at.scheme == "unix" else []
    if at.scheme != "unix":
        options += [] if at.hostname in (None, "127.0.0.1", "localhost") else ["-h", str(at.hostname)]
        options += ["-p", str(at.port or 6379)]
        options += ["-n", at.path[1:]] if at.path not in ("", "/", "/0") else []
    options += ["--tls"] if at.scheme == "rediss" else []
    options += ["--user", unquote(at.username)] if at.username else []
    return [*options, "--raw"], {"REDISCLI_AUTH": unquote(at.password)} if at.password else {}


def flat(reply: Any) -> list[str]:
    """A reply as `redis-cli --raw` prints it: every piece on its line, nothing as an empty one."""
    if isinstance(reply, list):
        return [said for piece in reply for said in flat(piece)] or [""]
    if reply is None:
        return [""]
    return [reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)]
