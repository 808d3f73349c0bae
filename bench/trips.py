"""How long one task takes on an idle pipeline through the store, from submission to its result in hand; beside raw.

The client sleeps on the events stream, as a gateway does. One at a time, with a pause between: no batch helps.
"""

import time

from bench import raw
from bench.measure import percentile
from bench.stage import BACKLOG, Stage, stage, versions
from bench.table import REPETITIONS, Table
from pipeline import verbs


def measure(samples: int = 300, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns."""
    table = Table("trips", f"Idle round trip through the store, {samples} a turn", versions())
    for _ in table.turns(repetitions):
        with stage(2) as s:
            trips_ms(s, min(samples, 20))  # warm
            ours = trips_ms(s, samples)
        bare = raw.trips_ms(samples)
        for name, found in (("headrace", ours), ("raw", bare)):
            table.add(name, "ms p50", percentile(found, 0.5))
            table.add(name, "ms p99", percentile(found, 0.99))
    table.ratio("headrace", "raw", "ms p50")
    table.ratio("headrace", "raw", "ms p99")
    return table


def trips_ms(s: Stage, samples: int) -> list[float]:
    """Submit, sleep on the events until it has succeeded, read its record."""
    events = s.store.keys("events")
    newest = s.store.raw("XREVRANGE", events, "+", "-", "COUNT", "1")
    last = newest[0][0].decode() if newest else "0"
    found = []
    for _ in range(samples):
        task = s.task()
        end = f"{task.id} succeeded".encode()
        begun = time.perf_counter()
        s.store.do(verbs.submit([task], BACKLOG, s.settings.share))
        seen = b""
        while end not in seen:
            [[_, entries]] = s.store.raw("XREAD", "BLOCK", "4000", "STREAMS", events, last)
            last = entries[-1][0].decode()
            seen = b" ".join(word for _, words in entries for word in words)
        record = s.store.do(verbs.task(task.id))
        if record is None or record.result is None:
            raise RuntimeError(f"task {task.id} has no result")
        found.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.002)
    return found
