"""`make up`: check, write the configuration, start everything, prove it, say where it is."""

import contextlib
import fcntl
import time
from collections.abc import Iterator

from deploy import checks, password, processes, render, supervisord
from deploy.down import kill
from deploy.prove import Prover, access_needs_a_key
from deploy.stack import Stack
from deploy.status import trouble
from deploy.tell import OURS, Problem, row, say, since
from pipeline.settings import stop_wait_s
from pipeline.store import Store

PROGRAMS_DOWN_S = 5.0


def up(stack: Stack) -> int:
    """Start everything, or say that it runs. Raises Problem; then nothing of ours is left running."""
    with _alone(stack):
        if supervisord.pid(stack):
            return _is_running(stack)
        _let_end(stack)
        checks.everything(stack)
        stack = password.drawn(stack)
        render.write(stack)
        begun = time.monotonic()
        supervisord.start(stack)
        try:
            _prove(stack)
        except BaseException:  # whatever it is, Ctrl-C too: nothing half-started stays
            _stop(stack)
            raise
        _welcome(stack, time.monotonic() - begun)
        return 0


def _let_end(stack: Stack) -> None:
    """Programs whose supervisord was killed stop by themselves: wait for that; the checks say what is left."""
    left = processes.ours(stack.var)
    if left:
        say(f"{len(left)} processes of an earlier start are ending …")
        processes.wait_gone(left, stop_wait_s(stack.settings) + PROGRAMS_DOWN_S)


def _prove(stack: Stack) -> None:
    prover = Prover(stack)
    edges = (prover.prove_nginx, prover.prove_dashboard)
    steps = (prover.prove_store, prover.prove_gateways, *edges, prover.prove_consumers)
    try:
        for step in steps:
            proof = step()
            row(proof.what, proof.where, f"ready in {proof.after_s:.1f} s", proof.how)
        row("proof", prover.prove_answer())
    finally:
        prover.give_back()


def _welcome(stack: Stack, took_s: float) -> None:
    address = f"http://localhost:{stack.wanted.http_port}"
    say(f"""
Headrace is up, {took_s:.1f} s after the start.

  Dashboard  {_dashboard(stack)}
  API        {address}/tasks
  API docs   {address}/docs
  Logs       {stack.var}/log

Try:
  curl -X POST {address}/tasks -H "Content-Type: application/json" -d '{{"data": {{"amount": 10000, "rate": 0.05}}}}'
  curl {address}/tasks/TASK_ID        with the task_id of the answer

{_door(stack)}
Stop:  make down     What runs:  make status     Trouble:  make doctor""")


def _dashboard(stack: Stack) -> str:
    """Where it is, and how one gets in."""
    user, _, secret = stack.wanted.dashboard_auth.partition(":")
    kept = stack.var / password.FILE
    shown = f"user {user}, password {secret}" if kept.is_file() else f"user {user}, your HEADRACE_DASHBOARD_AUTH"
    return f"http://localhost:{stack.wanted.dashboard_port}/   {shown}"


def _door(stack: Stack) -> str:
    """Who may do what, in a line."""
    store = Store(stack.settings, "deploy")
    try:
        closed = access_needs_a_key(stack.settings, store)
    finally:
        store.close()
    if closed:
        return 'Keys:  needed (make key ROLE=submitter makes one):  curl -H "Authorization: Bearer KEY" …\n'
    return (
        "Keys:  none, so everybody on this machine may do everything; nothing listens beyond it.  make key ROLE=admin\n"
    )


def _is_running(stack: Stack) -> int:
    programs = supervisord.programs(stack)
    started = min((program.since for program in programs if program.since), default=int(time.time()))
    age = since(time.time() - started)
    say(f"Headrace is running here, started {age} ago (supervisord is pid {supervisord.pid(stack)}).")
    wrong = trouble(programs)
    if wrong:
        say(f"Not all of it: {', '.join(wrong)}.  See:  make status")
        return OURS
    port = render.port_of(stack)
    found = {group: sum(program.group == group for program in programs) for group in ("consumer", "gateway")}
    asked = {"consumer": stack.wanted.consumers, "gateway": stack.wanted.gateways}
    other = [f"{found[group]} {group}s instead of {asked[group]}" for group in found if found[group] != asked[group]]
    if port != stack.wanted.http_port:
        other.append(f"port {port} instead of {stack.wanted.http_port}")
    if other:
        say(f"It was started with {', '.join(other)}. To change that:  make down, then make up again.")
    say(f"Dashboard:  {_dashboard(password.kept(stack))}")
    say(f"Open http://localhost:{port}/docs or stop it:  make down")
    return 0


@contextlib.contextmanager
def _alone(stack: Stack) -> Iterator[None]:
    """No two `up` of one folder at the same time."""
    checks.folder(stack)
    stack.var.chmod(0o700)
    with (stack.var / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            why = f"It holds {stack.var}/up.lock."
            raise Problem(
                "Another make up is at work in this folder.", why, "Wait for it, then:  make status"
            ) from None
        yield


def _stop(stack: Stack) -> None:
    before = processes.ours(stack.var)
    if supervisord.pid(stack):
        supervisord.shut_down(stack)
    kill(processes.wait_gone(before, stop_wait_s(stack.settings) + PROGRAMS_DOWN_S))
