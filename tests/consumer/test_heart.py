"""What a heartbeat says beside what each child does: kinds, clock, and that the consumer is stopping."""

import signal
from pathlib import Path

from pipeline import verbs
from pipeline.record import Beat
from tests.consumer.house import House, until


def beat(house: House) -> Beat | None:
    """The one heartbeat, when there is one."""
    found = house.ask(verbs.fleet())
    return found[0] if found else None


def test_it_names_its_kinds_and_its_clock_and_says_when_it_drains(house: House, hold: Path) -> None:
    consumer = house.consumer("c", children=1, grace_s=60, stop_limit_s=90).ready()
    found = until(lambda: beat(house))
    assert {"act", "var_mc"} <= set(found.kinds)
    assert abs(found.skew_ms) < 10_000, (
        "store and consumer share this machine's clock; half of an answer's way is added"
    )
    assert not found.draining
    id = house.submit(hold=str(hold))
    house.running(id)
    consumer.process.send_signal(signal.SIGTERM)
    draining = until(lambda: (now := beat(house)) and now.draining and now)
    assert [child.get("task") for child in draining.children] == [id], "what it holds it still does"
    hold.unlink()
    assert consumer.process.wait(60) == 0
    assert house.task(id).state == "succeeded"
    assert not consumer.lines("beat.late"), "what is asked for at once is not late"


def test_it_tells_the_paths_that_were_simulated_since_its_start_and_each_line_those_of_its_job(house: House) -> None:
    """Of parts alone, and neither those of the warm-up nor of what is not theirs."""
    consumer = house.consumer("c", children=2, warm="digest").ready()
    house.submit("digest", parts=20)
    house.submit(do="sleep", seconds=0)
    done = until(lambda: consumer.lines("job.done", at_least=23))
    assert {(line["step"], line.get("paths")) for line in done} == {("part", 10), ("fold", None), ("whole", None)}
    found = until(lambda: (now := beat(house)) and now.figures.paths == {"digest": 200} and now)
    assert found.figures.jobs
