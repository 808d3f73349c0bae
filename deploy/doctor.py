"""`make doctor`: every check that `make up` makes, and how the running processes are; each fault with what to do."""

import time
from collections.abc import Callable

from deploy import checks, password, supervisord
from deploy.prove import Prover, dashboard_fault, gateway_fault, store_fault
from deploy.stack import Stack
from deploy.status import trouble
from deploy.tell import OURS, Problem, say
from pipeline import log, verbs
from pipeline.errors import StoreAway

CLOCK_LIMIT_MS = 2000


def doctor(stack: Stack) -> int:
    """One line a check. 0 when all is well; that Headrace does not run is no fault."""
    running = supervisord.pid(stack) is not None
    todo = RUNNING if running else checks.CHECKS
    faults = [fault for what, check in todo.items() if (fault := _examine(stack, what, check))]
    if not running:
        say("  – Headrace is not running here. Start it:  make up")
    return OURS if faults else 0


def _examine(stack: Stack, what: str, check: Callable[[Stack], None]) -> Problem | None:
    try:
        check(stack)
    except StoreAway as away:
        return _tell(Problem("The store cannot be reached.", str(away), "Its log:  var/log/store.log"))
    except Problem as problem:
        return _tell(problem)
    say(f"  ✔ {what}")
    return None


def _tell(problem: Problem) -> Problem:
    say(f"  ✖ {problem.what}\n    {problem.why}\n    {problem.todo}")
    return problem


def _programs_run(stack: Stack) -> None:
    wrong = trouble(supervisord.programs(stack))
    if wrong:
        todo = f"Read why:  tail {stack.var}/log/{wrong[0]}*"
        raise Problem(f"Not running: {', '.join(wrong)}.", "They are started again every half minute.", todo)


def _store_is_fit(stack: Stack) -> None:
    wrong = store_fault(Prover(stack).store, stack.settings)
    if wrong:
        raise Problem("The store cannot be used safely.", wrong, "Mend that in its configuration.")


def _gateways_answer(stack: Stack) -> None:
    for port in (*stack.gateway_ports, stack.wanted.http_port):
        fault = gateway_fault(port)
        if fault:
            raise Problem(f"Port {port} does not serve.", fault, f"Read why:  tail {stack.var}/log/*{port}*")


def _dashboard_asks(stack: Stack) -> None:
    fault = dashboard_fault(password.kept(stack))
    if fault:
        port = stack.wanted.dashboard_port
        raise Problem(
            f"The dashboard at port {port} is not as it should be.", fault, "Start it anew:  make down; make up"
        )


def _consumers_beat(stack: Stack) -> None:
    beating = len(Prover(stack).names())
    if beating < stack.wanted.consumers:
        why = f"{beating} of {stack.wanted.consumers} have written their heartbeat in the last 15 s."
        raise Problem("A consumer gives no sign of life.", why, f"Read why:  tail {stack.var}/log/consumer-*.jsonl")


def _versions_agree(stack: Stack) -> None:
    others = {beat.version for beat in Prover(stack).store.do(verbs.fleet())} - {log.VERSION}
    if others:
        why = f"This is {log.VERSION}; a consumer runs {', '.join(sorted(others))}: it may calculate with other code."
        raise Problem("Not every process runs the same version.", why, "Start all of them anew:  make down && make up")


def _clock_agrees(stack: Stack) -> None:
    ahead_ms = int(time.time() * 1000) - Prover(stack).store.do(verbs.clock())
    by = f"{abs(ahead_ms) / 1000:.1f} s {'ahead of' if ahead_ms > 0 else 'behind'}"
    if abs(ahead_ms) > CLOCK_LIMIT_MS:
        raise Problem(
            f"This machine's clock is {by} the store's.",
            "Durations stay right, they are measured on the store's clock; the times in the logs are shifted.",
            "Turn on NTP:  timedatectl set-ntp true",
        )


RUNNING: dict[str, Callable[[Stack], None]] = {
    "every program runs": _programs_run,
    "the store answers and can be used safely": _store_is_fit,
    "each gateway is ready, and nginx passes requests on": _gateways_answer,
    "the dashboard's port asks for its password": _dashboard_asks,
    "each consumer's heart beats": _consumers_beat,
    "all consumers run this version": _versions_agree,
    "this machine's clock agrees with the store's": _clock_agrees,
}
