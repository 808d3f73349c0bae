"""The rest of the proof: what is left behind, in the store, among the processes, in the logs."""

import json
from collections import Counter
from pathlib import Path

from pipeline.record import Task
from tests.chaos.figure import Figure, none
from tests.chaos.proof import Proof
from tests.chaos.stack import ChaosStack

# Lines of level error that are as intended: a bug that a client asked for, an answer that a fault explains.
INTENDED = frozenset(("job.broke", "http.access"))


def in_the_store(proof: Proof) -> list[Figure]:
    """Keys and names, at rest."""
    return [none("keys leaked", _keys(proof)), none("names of consumers that are gone", proof.orphans())]


def when_down(stack: ChaosStack, proof: Proof) -> list[Figure]:
    """Stop politely; then look. At last the store is killed once more, and must know all that it knew."""
    before = proof.read()
    trouble = stack.down()
    figures = [
        Figure("the polite end", trouble or "nothing had to be killed", [trouble] if trouble else []),
        none("processes leaked", (f"{process.name} (pid {process.pid})" for process in stack.left())),
        *_logs(sorted(stack.log.glob("*.jsonl*"))),
    ]
    stack.server.kill()
    stack.server.start()
    proof.store.close()
    after = proof.read()
    return [*figures, none("lost or changed when the store is killed once more", _differ(before, after))]


def _keys(proof: Proof) -> list[str]:
    keys = proof.store.keys
    with proof.stack.server.client() as client:
        every = [key for key in client.scan_iter(match=f"{keys.prefix}:*", count=1000) if not keys.is_permanent(key)]
        found = [f"{key} has no end" for key in every if client.ttl(key) == -1]
        found += [f"{stream} holds {n}" for stream in keys.streams() if (n := client.xlen(stream))]
        found += [f"later holds {each}" for each in client.zrange(keys("later"), 0, -1)]
        found += [f"shares: {slot} {n}" for slot, n in client.hgetall(keys("shares")).items()]
    return found


def _differ(before: dict[str, Task], after: dict[str, Task]) -> list[str]:
    return [id for id, task in before.items() if after.get(id) != task]


def _logs(files: list[Path]) -> list[Figure]:
    lines, broken, errors, events = 0, [], [], Counter[str]()
    for file in files:
        for number, text in enumerate(file.read_bytes().splitlines(), 1):
            lines += 1
            try:
                line = json.loads(text)
            except ValueError:
                broken.append(f"{file.name}:{number}: {text!r}")
                continue
            events[line["event"]] += 1
            if line["level"] == "error" and line["event"] not in INTENDED:
                errors.append(f"{file.name}:{number}: {text.decode()}")
    return [
        Figure("log lines that parse", f"{lines - len(broken)} of {lines} in {len(files)} files", broken),
        none("log lines of level error that nobody intended", errors),
        Figure("late finishers, fenced off and logged", str(events["job.lost"])),
    ]
