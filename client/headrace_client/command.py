"""headrace: submit calculations, watch them, look after the queues. Tables on a terminal, JSON lines in a pipe.

Exit codes: 0 done; 1 a task failed or was cancelled; 2 what was asked is wrong; 3 nobody answers, or not now;
4 no key, or its role is not enough; 5 patience is over, the task goes on; 130 interrupted, the task goes on.
The API key is read from HEADRACE_API_KEY, and never from the command line, where others see it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from headrace_client import errors
from headrace_client.client import Client
from headrace_client.errors import HeadraceError
from headrace_client.records import FINAL, Task, Told, trouble
from headrace_client.table import Printer

EXIT_CODES: tuple[tuple[type[HeadraceError], int], ...] = (  # the first that fits
    (errors.TaskFailed, 1),
    (errors.TaskCancelled, 1),
    (errors.Unauthenticated, 4),
    (errors.Forbidden, 4),
    (errors.Refused, 2),
    (errors.StillRunning, 5),
    (HeadraceError, 3),
)
WRONG, INTERRUPTED = 2, 130
AWAY_S = 10.0
TASKS = ("task_id", "kind", "state", "priority", "label", "progress.fraction", "waited_ms", "ran_ms")
QUEUES = ("priority", "waiting", "held", "oldest_waits_ms", "paused.by", "paused.reason")
WORKERS = ("name", "host", "pid", "version", "started_at", "beat_ms_ago", "children")
LETTERS = ("letter_id", "at", "task_id", "kind", "job", "attempts", "words")
PRIORITIES, STATES = ("high", "medium", "low"), ("scheduled", "queued", "running", *FINAL)
CLEAR = "\x1b[H\x1b[2J"
Run = Callable[[Client, Printer, argparse.Namespace], None]


# ── tasks ──


def submit(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """submit a task: its data as name=value (JSON, else a text), from a file, or both"""
    data = json.loads(sys.stdin.read() if args.file == "-" else Path(args.file).read_text()) if args.file else {}
    said: Any = {name: value for name in SAID if (value := getattr(args, name)) is not None}
    accepted = client.submit(args.kind, data | dict(args.data), idempotency_key=args.idempotency_key, **said)
    _accepted(client, out, args, accepted)


def wait(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """wait for tasks and print them with their results"""
    wrong: HeadraceError | None = None
    for id in args.task_ids:
        told = client.wait(id, progress=sys.stderr.isatty())
        out.record(told)
        wrong = wrong or trouble(told)
    if wrong:
        raise wrong


def show(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """show a task as it is now"""
    out.record(client.look(args.task_id))


def list_(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """list tasks, newest first"""
    found = client.tasks(state=args.state, kind=args.kind, page=min(args.limit, 200))
    out.rows(TASKS, islice(found, args.limit))


def tail(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """follow a task: its states and its progress until it has ended"""
    for event in client.events(args.task_id):
        if out.human:
            out.words(_happened(event.data))
        else:
            out.line({"event": event.name, **event.data})
        if event.name == "end" and (wrong := trouble(event.data)):
            raise wrong


def cancel(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """give tasks up"""
    _each(out, args.task_ids, lambda id: client.cancel(id, args.reason))


def retry(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """submit the data of a task that failed or was cancelled again"""
    _accepted(client, out, args, client.retry(args.task_id))


def rerun(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """calculate a task that succeeded again, and compare the bits"""
    _accepted(client, out, args, client.rerun(args.task_id))


# ── operations ──


def dead_letters(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """list the jobs that were given up; or try the tasks of some again, or remove some that have been dealt with"""
    for id in args.remove:
        client.remove_dead_letter(id)
    if args.retry:
        _each(out, args.retry, client.retry_dead_letter)
    if not args.remove and not args.retry:
        out.rows(LETTERS, islice(client.dead_letters(), args.limit))


def pause(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """let nothing of a priority be taken until it is resumed"""
    out.rows(QUEUES, client.pause(args.priority, args.reason))


def resume(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """take a priority again"""
    out.rows(QUEUES, client.resume(args.priority))


def top(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """queues, workers and running tasks, over and over; in a pipe once"""
    while True:
        queues, workers = client.queues(), client.workers()
        running = list(islice(client.tasks(state="running"), 20))
        if not out.human:
            out.line({"queues": queues, "workers": workers, "running": running})
            return
        sys.stdout.write(f"{CLEAR}{client.url}  {time.strftime('%H:%M:%S')}\n\n")
        for columns, found in ((QUEUES, queues), (WORKERS, workers), (TASKS, running)):
            out.rows(columns, found)
            sys.stdout.write("\n")
        sys.stdout.flush()
        time.sleep(args.every)


def workers(client: Client, out: Printer, _: argparse.Namespace) -> None:
    """list the consumers and what each child computes"""
    out.rows(WORKERS, client.workers())


def kinds(client: Client, out: Printer, args: argparse.Namespace) -> None:
    """list what can be calculated; or the JSON Schema of one kind's data"""
    if args.kind:
        out.record(client.kind(args.kind))
    else:
        out.rows(("kind", "version", "summary"), client.kinds())


# ── the command line ──


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    whole = argparse.ArgumentParser("headrace", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", default="", help="address; else HEADRACE_URL, else http://localhost:8080")
    common.add_argument("--json", action="store_true", help="JSON lines on a terminal, too")
    common.add_argument("--patience", type=float, default=600.0, metavar="S", help="seconds it may take in all (600)")
    commands = whole.add_subparsers(required=True, dest="command", metavar="COMMAND")

    def add(run: Run) -> Callable[..., argparse.Action]:
        name = run.__name__.strip("_").replace("_", "-")
        made = commands.add_parser(name, parents=[common], help=run.__doc__, description=run.__doc__)
        made.set_defaults(run=run)
        return made.add_argument

    submits, retries, reruns = add(submit), add(retry), add(rerun)
    submits("kind")
    submits("data", nargs="*", type=_field, metavar="name=value")
    submits("-f", "--file", help="a JSON object, the data; - for standard input")
    submits("--priority", choices=PRIORITIES)
    submits("--label")
    submits("--deadline-s", type=float, help="then the estimate so far is the result")
    submits("--delay-s", type=float, help="start no sooner")
    submits("--idempotency-key", default="", help="the same key, the same task")
    for again in (retries, reruns, add(show), add(tail)):
        again("task_id")
    for waits in (submits, retries, reruns):
        waits("--wait", action="store_true", help="wait for it and print its result")
    cancels = add(cancel)
    cancels("--reason", default="", help="for whoever wonders")
    for some in (add(wait), cancels):
        some("task_ids", nargs="+", metavar="task_id")
    lists, letters = add(list_), add(dead_letters)
    lists("--state", choices=STATES)
    lists("--kind", default="")
    letters("--remove", nargs="+", default=[], metavar="letter_id")
    letters("--retry", nargs="+", default=[], metavar="letter_id")
    for limited in (lists, letters):
        limited("--limit", type=int, default=50, help="at most so many (50)")
    pauses, resumes = add(pause), add(resume)
    pauses("priority", choices=PRIORITIES)
    pauses("--reason", required=True, help="for whoever wonders")
    resumes("priority", choices=PRIORITIES)
    add(top)("--every", type=float, default=2.0, metavar="S", help="seconds between two looks (2)")
    add(workers)
    add(kinds)("kind", nargs="?")
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    args = parser().parse_args(arguments)
    try:
        with Client(args.url, patience_s=args.patience, away_s=AWAY_S) as client:
            args.run(client, Printer(args.json), args)
        sys.stdout.flush()
    except HeadraceError as wrong:
        return _complain(str(wrong), next(code for kind, code in EXIT_CODES if isinstance(wrong, kind)))
    except (ValueError, TypeError, OSError) as wrong:
        if isinstance(wrong, BrokenPipeError):  # who reads has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return _complain(str(wrong), WRONG)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


# ── pieces ──

SAID = ("priority", "label", "deadline_s", "delay_s")


def _field(text: str) -> tuple[str, Any]:
    """`spot=100` is a number, `type=call` a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _accepted(client: Client, out: Printer, args: argparse.Namespace, accepted: Task) -> None:
    """Tell what was accepted; with --wait, what became of it."""
    if not args.wait:
        out.record(accepted)
        return
    print(f"task {accepted.task_id}", file=sys.stderr)  # whoever interrupts can wait for it again
    told = client.wait(accepted, progress=sys.stderr.isatty())
    out.record(told)
    told.outcome()


def _each(out: Printer, ids: Sequence[str], deed: Callable[[str], Task]) -> None:
    """Do it to each, whatever happens to another, and print what came of it. Raises the first error, at the end."""
    done: list[Task] = []
    wrong: HeadraceError | None = None
    for id in ids:
        try:
            done.append(deed(id))
        except HeadraceError as refused:
            print(f"{id}: {refused.detail}", file=sys.stderr)
            wrong = wrong or refused
    out.rows(TASKS, done)
    if wrong:
        raise wrong


def _happened(told: Told) -> str:
    """An event in a line."""
    far = told.get("progress") or {"parts": 1}
    words = [str(told.state)] + ([f"{far['done']}/{far['parts']}"] if far["parts"] > 1 else [])
    if far.get("estimate") is not None:
        words.append(f"{far['estimate']:.6g} ± {far['standard_error'] or 0:.2g}")
    return "  ".join(words)


def _complain(text: str, exit_code: int) -> int:
    print(text, file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
