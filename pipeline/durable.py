"""Does the store keep what HEADRACE_DURABLE=always promises? Asked of its configuration, which no script may read."""

from typing import Any

ASK = ("CONFIG", "GET", "append*")
WANTED = {"appendonly": "yes", "appendfsync": "always"}
MEND = "set it (CONFIG SET {name} {value}, and in its file), or choose HEADRACE_DURABLE=everysec"


def faults(reply: list[Any]) -> list[str]:
    """What is not as `always` needs it, in the reply to ASK; [] when all is."""
    words = [word.decode() if isinstance(word, bytes) else str(word) for word in reply]
    said = dict(zip(words[::2], words[1::2], strict=True))
    return [
        f"{name} is {said.get(name, 'unknown')}, but HEADRACE_DURABLE=always needs {value}: "
        + MEND.format(name=name, value=value)
        for name, value in WANTED.items()
        if said.get(name) != value
    ]


def unknown(refused: Exception) -> str:
    """The line for a server that does not let us ask (an ACL, or a renamed command)."""
    return (
        "warning: HEADRACE_DURABLE=always cannot be checked, because the store refuses CONFIG GET "
        f"({refused}): see to it that appendonly is yes and appendfsync always"
    )
