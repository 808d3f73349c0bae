"""`make down`: stop nginx, the gateways, the consumers (drained), the store; then look whether all are gone."""

import os
import signal
import time

from deploy import processes, supervisord
from deploy.processes import Process
from deploy.stack import Stack
from deploy.tell import OURS, complain, say
from pipeline.settings import stop_wait_s

CLEANUP_S = 5.0  # how long a process may take to vanish after its SIGKILL, or supervisord after its last program
STORES = ("valkey-server", "redis-server")


def down(stack: Stack) -> int:
    """Stop everything. 0 when nothing of ours is left, 1 when something had to be killed."""
    begun = time.monotonic()
    running = supervisord.pid(stack)
    before = processes.ours(stack.var)
    if not running and not before:
        say("Headrace is not running here: nothing to stop.")
        return 0
    if running:
        say(f"Stopping nginx, gateways, consumers (running jobs get {stack.settings.grace_s:g} s), store …")
        supervisord.shut_down(stack)
        _wait(stack, before)
    elif supervisord.is_stopping(stack):
        say("Somebody else is stopping it: waiting for that …")
        _wait(stack, before)
    else:
        say("No supervisord answers, but processes of an earlier start are left.")
        _ask(stack, before)
    left = processes.ours(stack.var)  # looked for anew: also what was started while we were stopping
    if not left:
        say(f"Stopped in {time.monotonic() - begun:.1f} s. No process is left ({len(before)} were running).")
        return 0
    for process in left:
        complain(f"Killed {process.name} (pid {process.pid}), which did not stop by itself.")
    kill(left)
    return OURS


def _wait(stack: Stack, before: list[Process]) -> None:
    """Four groups are stopped one after another; each is killed at its own limit."""
    processes.wait_gone(before, 4 * stop_wait_s(stack.settings) + CLEANUP_S)


def _ask(stack: Stack, left: list[Process]) -> None:
    """Ask orphans (their supervisord is gone) to stop, the store last, and give them their time for it."""
    stores = [process for process in left if process.name in STORES]
    others = [process for process in left if process.name not in STORES]
    pids = {process.pid for process in others}
    for group in (others, stores):
        for process in group:
            if process.parent not in pids:  # a consumer's children are its own affair
                _signal(process, signal.SIGTERM)
        processes.wait_gone(group, stop_wait_s(stack.settings))


def kill(left: list[Process]) -> None:
    """Kill, and wait until they are gone."""
    for process in left:
        _signal(process, signal.SIGKILL)
    processes.wait_gone(left, CLEANUP_S)


def _signal(process: Process, number: signal.Signals) -> None:
    if processes.living([process]):
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return  # gone between the look and the signal
