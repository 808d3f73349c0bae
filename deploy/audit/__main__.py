"""`python -m deploy.audit run FOLDER [tell] | verify [SEQ:SHA256] [archived] | export`

run      writes the audit into a folder until SIGTERM, then to the end; `tell` shows each line on standard output too
verify   is the chain whole? A number and a hash that were written down elsewhere are looked at beside the store's
export   all lines to standard output, as they stand
"""

import fcntl
import os
import signal
import sys
import threading
from pathlib import Path

from deploy import stack
from deploy.audit import chain
from deploy.audit.follow import Follower
from deploy.audit.verify import MOST_FOUND, Known, verify
from deploy.line import write_line
from deploy.tell import NOT_RUNNING, OURS, complain, say, wrong_setting
from pipeline import settings, trail
from pipeline.errors import PipelineError, SettingsError, StoreAway
from pipeline.store import Store

USAGE = "Usage: python -m deploy.audit run FOLDER [tell] | verify [SEQ:SHA256] [archived] | export"
PERIOD_S = 0.5
NICE = 10  # what computes goes first


def main(arguments: list[str]) -> int:
    """The exit code: 0, 1 something is wrong with the chain, 2 wrong usage, 3 nothing to look at, 4 a wrong setting."""
    try:
        match arguments:
            case ["run", folder, *rest] if rest in ([], ["tell"]):
                return run(Path(folder), bool(rest))
            case ["verify", *rest] if len(rest) <= 2:
                return check(rest)
            case ["export"]:
                return export()
    except SettingsError as wrong:
        return wrong_setting(wrong)
    complain(USAGE)
    return 2


# ── run ──


def run(folder: Path, tell: bool) -> int:
    """Follow the store until SIGTERM, and then to the end of what there is."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = Store(settings.read(), "audit")
    os.nice(NICE)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            write_line("audit", "error", "audit.refused", reason=f"another audit writes into {folder}")
            return OURS
        try:
            _follow(store, folder, tell, stop)
        except OSError as wrong:  # the disk: nothing is lost, supervisord starts us again
            write_line("audit", "error", "audit.failed", folder=str(folder), error=str(wrong))
            return OURS
        finally:
            store.close()
    return 0


def _follow(store: Store, folder: Path, tell: bool, stop: threading.Event) -> None:
    follower, trouble = None, ""
    while True:
        try:
            follower = follower or Follower(store, folder, tell)
            while follower.step():
                pass
            if trouble:
                write_line("audit", "info", "store.back")
            trouble = ""
        except PipelineError as cause:  # the store is away; or a hand was in it, or a bug: tried again
            said, trouble = trouble, str(cause)
            if isinstance(cause, StoreAway) and not said:
                write_line("audit", "warning", "store.away", reason=trouble)
            elif not isinstance(cause, StoreAway) and said != trouble:
                write_line("audit", "error", "store.refused", reason=trouble)
        if stop.wait(PERIOD_S):
            break
    if follower:
        _to_the_end(follower)


def _to_the_end(follower: Follower) -> None:
    try:
        while follower.step():
            pass
    except PipelineError as cause:
        write_line("audit", "warning", "audit.left_behind", reason=str(cause))  # the next start reads on
    follower.close()


# ── verify, export ──


def check(arguments: list[str]) -> int:
    """Print what is wrong with the chain of this deployment, or that nothing is."""
    archived = "archived" in arguments
    noted = [word for word in arguments if word != "archived"]
    known = [_noted(word) for word in noted]
    if None in known:
        complain(USAGE)
        return 2
    here = stack.read()
    folder = here.var / "audit"
    if not chain.files(folder):
        complain(f"There is no audit in {folder}.")
        return NOT_RUNNING
    anchor, why = _anchor(here.settings)
    verdict = verify(folder, [*filter(None, known), *([anchor] if anchor else [])], archived)
    say(f"{verdict.lines} lines, {verdict.first} to {verdict.last}, in {folder}")
    for told in verdict.told:
        say(f"  says itself: {told}")
    if not anchor:
        say(f"  {why}, so nobody knows whether lines are missing at the end")
    for wrong in verdict.wrong[:MOST_FOUND]:
        say(f"  WRONG: {wrong}")
    if len(verdict.wrong) > MOST_FOUND:
        say(f"  … and {len(verdict.wrong) - MOST_FOUND} more")
    say(f"The chain is {'whole' if verdict.whole else 'BROKEN'}. Its last line: {verdict.last}:{verdict.sha256}")
    return 0 if verdict.whole else OURS


def export() -> int:
    """Every line as it stands, in order."""
    for _, _, line in chain.lines(stack.read().var / "audit"):
        sys.stdout.buffer.write(line + b"\n")
    return 0


def _noted(text: str) -> Known | None:
    seq, _, sha256 = text.partition(":")
    return Known(int(seq), sha256, "what you gave") if seq.isdigit() and len(sha256) == len(chain.NOTHING) else None


def _anchor(mine: settings.Settings) -> tuple[Known | None, str]:
    store = Store(mine, "audit")
    try:
        head = store.do(trail.head())
    except PipelineError as away:
        return None, f"The store does not answer ({away})"
    finally:
        store.close()
    return (Known(head.seq, head.sha256, "the store's anchor"), "") if head.seq else (None, "The store has no anchor")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
