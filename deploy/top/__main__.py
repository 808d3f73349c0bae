"""`python -m deploy.top [full]`: what the pipeline does, a line a second, as `redis-cli --stat` does it.

With `full` it is a table that is drawn anew each second. Ctrl-C ends it.

It asks the store alone, with the keys of this deployment, so it needs no gateway and no API key. Where its output is no
terminal it writes the same without colours and without going back.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from deploy.keys import with_store
from deploy.tell import complain, say
from deploy.top import lines
from deploy.top.look import Look, Looker
from pipeline.errors import StoreAway
from pipeline.store import Store

EVERY_S = 1.0
USAGE = "make top [FULL=1]"
HEADED = 20  # lines between two headings on a terminal
CLEAR, HOME = "\x1b[2J", "\x1b[H"
REST = "\x1b[0J"  # clears what stands below


def main(arguments: list[str]) -> int:
    """Until Ctrl-C, or until nobody reads any more; the exit code."""
    if arguments not in ([], ["full"]):
        complain(f"Usage:  {USAGE}")
        return 2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts it in the background hands on a deaf ear
    show = _table if arguments else _lines
    try:
        return with_store(lambda store: _follow(store, show))
    except KeyboardInterrupt:
        say()
    except BrokenPipeError:  # `make top | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


Shown = Look | StoreAway


def _follow(store: Store, show: Callable[[Iterator[Shown]], None]) -> int:
    """Raises StoreAway when the store is away from the start; later on that is told, and waited for."""
    looker = Looker(store)
    looker.look()
    show(_looks(looker))
    return 0


def _looks(looker: Looker) -> Iterator[Shown]:
    """A look a second, from the second one on: rates are between two of them."""
    begun = time.monotonic()
    while True:
        begun = max(begun + EVERY_S, time.monotonic())  # none is made up for
        time.sleep(max(0.0, begun - time.monotonic()))
        try:
            yield looker.look()
        except StoreAway as away:
            looker.forget()
            yield away


def _lines(looks: Iterator[Shown]) -> None:
    told, away = 0, False
    for look in looks:
        if isinstance(look, StoreAway):
            if not away:
                say(f"{_clock()}  The store does not answer: {look}. It is asked again each second.")
            away = True
            continue
        if told == 0 or away or (sys.stdout.isatty() and told % HEADED == 0):
            say(lines.HEADING)
        say(lines.line(look))
        told, away = told + 1, False


def _table(looks: Iterator[Shown]) -> None:
    live = sys.stdout.isatty()
    last: Look | None = None
    if live:
        sys.stdout.write(CLEAR)
    for look in looks:
        if isinstance(look, StoreAway):
            rows = [f"{_clock()}  The store does not answer: {look}. It is asked again each second.", ""]
            rows += lines.table(last, live) if last else []
        else:
            last, rows = look, lines.table(look, live)
        if live:
            size = os.get_terminal_size(sys.stdout.fileno())
            sys.stdout.write(
                HOME + "\n".join(lines.cut(row, size.columns) + "\x1b[K" for row in rows[: size.lines - 1])
            )
            sys.stdout.write("\n" + REST)
            sys.stdout.flush()
        else:
            say("\n".join([*rows, ""]))


def _clock() -> str:
    return f"{datetime.now(UTC):%H:%M:%S}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
