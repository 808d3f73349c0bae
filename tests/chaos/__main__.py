"""`make chaos MINUTES=n SEED=s`: the stack under load and faults, then the proof. Exit code 1: something is not so."""

import argparse
import asyncio
import random
import sys
from collections import Counter

from calc import execute
from pipeline.keys import Keys
from tests.chaos import left
from tests.chaos.cases import MODULES
from tests.chaos.figure import Figure, none
from tests.chaos.load import Clients
from tests.chaos.monkey import Monkey
from tests.chaos.proof import Proof, settle
from tests.chaos.stack import ChaosStack
from tests.chaos.watch import Watch

LEAST = 5  # of each kind of fault, in a run that has the time for it
LEAST_MINUTES = 2.0
SETTLE_S = 120.0
KEEP_S = 0.5


def main(arguments: list[str]) -> int:
    """Run once; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=LEAST_MINUTES)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args(arguments)
    again = f"make chaos MINUTES={asked.minutes:g} SEED={asked.seed}"
    print(f"Chaos for {asked.minutes:g} minutes with seed {asked.seed}. The same again:  {again}", flush=True)
    execute.load(MODULES)
    with ChaosStack() as stack:
        off = "One consumer's clock is hours off" if stack.late.library else "No libfaketime here: all clocks are right"
        print(f"{off}. Logs: {stack.log}", flush=True)
        figures = chaos(stack, asked.seed, asked.minutes)
    if any(figure.wrong for figure in figures):
        print(f"\nIt does not hold. Logs: {stack.log}   The same again:  {again}")
        return 1
    print("\nIt holds.")
    stack.remove()
    return 0


def chaos(stack: ChaosStack, seed: int, minutes: float) -> list[Figure]:
    """Load and faults, rest, proof; prints the tables."""
    clients, monkey, watch = Clients(stack.http_port, seed), Monkey(stack, seed), Watch(stack.server, Keys())
    unanswered = asyncio.run(run(stack, clients, monkey, watch, minutes * 60))
    proof = Proof(stack, clients.notes, watch, monkey.counts)
    rest_s = settle(proof.at_rest, SETTLE_S)
    watch.look()
    figures = [
        *enough(monkey, minutes),
        *proof.figures(),
        none("clients that never came to an end", unanswered),
        none("answers that no client should get", clients.wrong),
        *left.in_the_store(proof),
        *left.when_down(stack, proof),
    ]
    tell(monkey.counts, clients.answers, rest_s, figures)
    return figures


async def run(stack: ChaosStack, clients: Clients, monkey: Monkey, watch: Watch, seconds: float) -> list[str]:
    """Load and faults for so long, then the clients' way to the end of what they began; who did not come there."""
    background = [asyncio.create_task(watch.run()), asyncio.create_task(_keep(stack))]
    load = asyncio.create_task(clients.run())
    await monkey.run(seconds)
    stack.late.keep()  # the last kill may have been its own
    clients.stop.set()
    _, late = await asyncio.wait([load], timeout=SETTLE_S)
    for task in (*background, load):
        task.cancel()
    ended = await asyncio.gather(*background, load, return_exceptions=True)
    broken = [end for end in ended if isinstance(end, Exception)]
    if broken:
        raise ExceptionGroup("the chaos test itself broke", broken)
    open_ends = [note for note in clients.notes if not (note.door or note.final)] if late else []
    return [f"{note.key}: {note.case.name}, {note.ids}" for note in open_ends]


async def _keep(stack: ChaosStack) -> None:
    while True:
        stack.late.keep()
        await asyncio.sleep(KEEP_S)


def enough(monkey: Monkey, minutes: float) -> list[Figure]:
    """Whether every kind of fault was made as often as a run of this length owes."""
    if minutes < LEAST_MINUTES:
        return []
    seldom = [f"{kind}: {monkey.counts[kind]}" for kind in monkey.faults if monkey.counts[kind] < LEAST]
    return [none(f"kinds of fault made fewer than {LEAST} times", seldom)]


def tell(faults: Counter[str], answers: Counter[str], rest_s: float, figures: list[Figure]) -> None:
    """The tables."""
    print(f"\nFaults: {faults.total()}")
    for kind, times in sorted(faults.items()):
        print(f"    {kind:<58} {times}")
    print(
        f"Requests: {answers.total()} (" + ", ".join(f"{what}: {times}" for what, times in answers.most_common()) + ")"
    )
    print(f"At rest {rest_s:.1f} s after the last client")
    for figure in figures:
        print(figure.text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
