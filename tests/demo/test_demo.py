"""`make demo` on a gateway and consumers that really run: right answers, and plain words where there are none."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack import ROOT
from examples import demo, questions
from tests.consumer.house import House
from tests.gateway.process import Gateway, running
from tests.servers import Server, free_port

PARTS, FOLDS = 12, 2  # of the heavy option


@pytest.fixture
def house(server: Server, tmp_path: Path) -> Iterator[House]:
    house = House(server, tmp_path)
    yield house
    house.close()


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[Gateway]:
    with running(house, tmp_path / "gateway.jsonl") as gateway:  # type: ignore[arg-type]
        yield gateway


@pytest.fixture
def here(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's settings lead to the house's store."""
    monkeypatch.setenv("HEADRACE_REDIS_URL", house.server.url)
    monkeypatch.setenv("HEADRACE_PREFIX", house.prefix)


def test_all_answers_are_right_and_it_is_known_who_computed_them(house: House, gateway: Gateway) -> None:
    consumers = [house.consumer(name).ready() for name in ("one", "two")]
    environ = os.environ | {"HEADRACE_REDIS_URL": house.server.url, "HEADRACE_PREFIX": house.prefix}
    ended = subprocess.run(
        [sys.executable, "-m", "examples.demo", gateway.url],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = ended.stdout
    assert "20 stocks worth $1,000,067 on 2022-12-28" in said
    assert re.search(r"^33 of 33 tasks, (\d+) of \1 parts", said, re.MULTILINE)
    assert "All 33 tasks succeeded. 42 answers agree" in said
    families = ["Options", "Risk of what is held", "Portfolios", "Rates and credit", "Loans"]
    assert [line for line in said.splitlines() if line in families] == families
    loans = r"^schedules of 100,000 loans +payments a month +269,015,558.98 +269,015,558.98 +="
    assert re.search(loans, said, re.MULTILINE)
    assert re.search(r"^10,000 at 5 %, for a year +total +10,511\.62 +10,511\.62 +=", said, re.MULTILINE)
    (heavy,) = [line for line in said.splitlines() if line.startswith(f"{questions.STOCK} call at the money")]
    by_consumer = re.findall(r"c\d ([\d·]+)", heavy)
    assert len(by_consumer) == 2, "both worked on the one task"
    jobs = sum(int(number) for numbers in by_consumer for number in numbers.split("·"))
    assert jobs == PARTS + FOLDS, heavy
    assert "c1 is one\nc2 is two\n" in said
    assert [consumer.stop() for consumer in consumers] == [0, 0]


def test_where_nothing_runs_it_says_the_one_line_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert demo.main(url) == demo.NOT_RUNNING
    assert capsys.readouterr().err == f"Headrace does not answer at {url}. Start it:  make up\n"


def test_without_consumers_it_ends_and_says_what_waits(
    gateway: Gateway, here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(gateway.url, size=0.01, limit_s=0.5) == demo.WRONG
    said = capsys.readouterr()
    assert said.err.count("is still queued. Look with:  make doctor") == 33
    assert re.search(r"^0 of 33 tasks, 0 of \d+ parts", said.out, re.MULTILINE)


def test_a_store_that_only_the_gateways_reach_is_no_fault(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.consumer().ready()
    monkeypatch.setenv("HEADRACE_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert demo.main(gateway.url, size=0.01) == 0
    assert "The store cannot be reached from here: who computed which job is not known." in capsys.readouterr().out
