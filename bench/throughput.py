"""Do-nothing tasks of one part through the store, results stored, all indexes, events and spans written; beside the
raw loop and the peers. Two processes compute, and each contestant has an empty store of its own in every turn."""

import msgspec

from bench import peers, raw
from bench.measure import Meter, Run
from bench.peers import Peer
from bench.stage import stage, versions
from bench.table import REPETITIONS, Table
from pipeline import verbs

OURS = "headrace"


def measure(tasks: int = 20_000, repetitions: int = REPETITIONS, beside: tuple[Peer, ...] | None = None) -> Table:
    """Measure in turns. `beside` are the peers; None: those that this machine can run."""
    rivals = peers.here() if beside is None else beside
    ran = versions() | {peer.name: peer.version for peer in rivals}
    table = Table("throughput", f"Do-nothing tasks end to end, results stored, two processes: {tasks:,} a turn", ran)
    for _ in table.turns(repetitions):
        run = headrace(tasks)
        table.add_run(OURS, run)
        table.add_busy(OURS, run)
        table.add_run("raw", raw.throughput(tasks))
        for peer in rivals:
            table.add_run(peer.name, peers.throughput(peer, min(tasks, peer.tasks)))
    for other in ("raw", *(peer.name for peer in rivals)):
        table.ratio(OURS, other, "tasks/s")
        table.ratio(OURS, other, "CPU s / 1,000")
    table.note_limit(OURS)
    return table


def headrace(tasks: int, children: int = 2, consumers: int = 1) -> Run:
    """Ours, warm."""
    warm = min(tasks, 2_000 * consumers)  # until each consumer has seen that these jobs are tiny
    with stage(children, consumers=consumers) as s:
        s.submit(warm)
        s.wait(warm)
        meter = Meter(s.groups())
        last = s.submit(tasks)
        s.wait(warm + tasks)
        run = meter.read(tasks)
        record = s.store.do(verbs.task(last))
        if record is None or record.result is None or msgspec.json.decode(record.result) != {"value": 7}:
            raise RuntimeError(f"the last task has the wrong result: {record}")
        return run
