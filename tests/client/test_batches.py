"""Many tasks at once: batches, maps, grids, as they end and all together, as rows and as a DataFrame."""

import subprocess
import sys
import threading
from pathlib import Path

import pandas
import pytest
from headrace_client import Busy, Client, Expired, InvalidData, Refused, StillRunning, TaskFailed

from tests.client.conftest import CLIENT, Stand
from tests.consumer.house import until

LITTLE_ROOM = {"HEADRACE_BACKLOG_LIMIT": "4"}  # beyond the 256 jobs that an owner has in being at a priority
CALL = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": 0.05, "volatility": 0.2}


def test_a_map_gives_what_became_of_every_line_in_its_order(client: Client) -> None:
    data = [{"number": n, "parts": n + 1} for n in range(30)]
    batch = client.map("act", data, batch_label="thirty", priority="high")
    items = client.gather(batch)
    assert [item.result.total for item in items] == [n * (n + 1) // 2 for n in range(30)]
    assert [item.data for item in items] == data
    assert items.results() == [item.result for item in items]
    assert items.summary() == "30 of 30 succeeded"
    assert client.look(items[3].task_id).batch_id == batch.id


def test_lines_are_told_as_they_end_with_their_errors(client: Client, hold: Path) -> None:
    does = [{"hold": str(hold)}, {}, {"do": "refuse"}, {"do": "raise"}, {"do": 7}]
    batch = client.batch({"kind": "act", "data": each, "custom_id": f"n{n}"} for n, each in enumerate(does))
    telling = client.as_completed(batch)
    found = [next(telling) for _ in range(4)]
    assert found[0].custom_id == "n4", "what is rejected first"
    assert {item.custom_id for item in found[1:]} == {"n1", "n2", "n3"}, "while the slow one runs"
    hold.unlink()
    assert [item.custom_id for item in telling] == ["n0"]
    items = client.gather(batch)
    assert [type(item.error) for item in items] == [type(None), type(None), TaskFailed, TaskFailed, InvalidData]
    assert items[2].error.code == "as_asked"
    assert items[4].error.errors[0]["path"] == "$.data.do"
    assert items.summary() == "2 of 5 succeeded; as_asked 1, internal_error 1, invalid_data 1"
    with pytest.raises(TaskFailed, match="as_asked"):
        items.results()


def test_of_two_lines_with_one_name_the_first_is_a_task_and_both_are_told(client: Client) -> None:
    items = client.gather(client.batch([{"kind": "noop", "data": {}, "custom_id": "a"}] * 2))
    assert [(item.index, type(item.error)) for item in items] == [(0, type(None)), (1, InvalidData)]
    assert "earlier line" in str(items[1].error)


def test_each_of_very_many_wrong_lines_is_told_though_not_what_is_wrong_with_it(client: Client) -> None:
    items = client.gather(client.map("noop", [{}, *[{"wrong": 1}] * 1001]))
    assert [item.index for item in items] == list(range(1002))
    assert items.summary() == "1 of 1002 succeeded; invalid_data 1000, batch_rejected 1"
    assert isinstance(items[-1].error, Refused)


def test_a_traceback_stays_with_the_operators(client: Client) -> None:
    items = client.gather(client.map("act", [{"do": "raise"}]))
    assert "raceback" not in repr(items[0].error.problem)


def test_nothing_of_an_atomic_batch_is_accepted_when_a_line_is_wrong(client: Client) -> None:
    lines = [{"kind": "noop", "data": {}}, {"kind": "noop", "data": {}, "prioritty": "low"}]
    with pytest.raises(InvalidData, match=r"line 2: .*prioritty"):
        client.batch(lines, atomic=True)


def test_a_batch_with_the_same_key_is_the_same_batch(client: Client) -> None:
    batches = [client.map("noop", [{}, {}], idempotency_key="nightly-1") for _ in range(2)]
    assert batches[0].id == batches[1].id
    items = [client.gather(batch) for batch in batches]
    assert [item.task_id for item in items[0]] == [item.task_id for item in items[1]]


def test_a_grid_is_every_combination(client: Client) -> None:
    batch = client.grid("option_european", CALL, {"spot": range(90, 111, 10), "volatility": [0.1, 0.3]})
    items = client.gather(batch)
    assert [(item.data["spot"], item.data["volatility"]) for item in items] == [
        (90, 0.1), (90, 0.3), (100, 0.1), (100, 0.3), (110, 0.1), (110, 0.3)
    ]  # fmt: skip
    prices = [item.result.price for item in items]
    assert prices[0::2] == sorted(prices[0::2])
    assert all(low < high for low, high in zip(prices[0::2], prices[1::2], strict=True))


def test_a_grid_becomes_a_matrix_in_pandas(client: Client) -> None:
    batch = client.grid("option_european", CALL, {"spot": [90, 100], "volatility": [0.1, 0.3]})
    frame = client.gather(batch).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    matrix = frame.pivot_table(index="data.spot", columns="data.volatility", values="result.price")
    assert matrix.shape == (2, 2)
    assert matrix.loc[100, 0.3] > matrix.loc[90, 0.1]


def test_rows_are_flat_and_leave_lists_out(client: Client) -> None:
    lines = [{"amount": 1000, "rate": 0.1, "schedule": True}]
    (row,) = client.gather(client.map("compound_interest", lines)).rows()
    assert (row["custom_id"], row["error"], row["data.amount"], row["result.total"]) == ("0", None, 1000, 1104.71)
    assert "result.schedule" not in row


def test_without_pandas_all_but_the_frame_works() -> None:
    program = (
        "import sys; sys.modules['pandas'] = None\n"  # what an import finds where pandas is not installed
        "from headrace_client import Items\n"
        "assert Items().rows() == []\n"
        "try: Items().to_pandas()\n"
        "except ImportError as wrong: print(wrong)\n"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, env={"PYTHONPATH": str(CLIENT)}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "to_pandas needs pandas:  pip install pandas"


def test_importing_the_client_imports_no_pandas() -> None:
    words = [sys.executable, "-c", "import sys, headrace_client.command; print('pandas' in sys.modules)"]
    done = subprocess.run(words, env={"PYTHONPATH": str(CLIENT)}, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_patience_with_a_batch_ends_and_the_batch_goes_on(client: Client, hold: Path) -> None:
    batch = client.map("act", [{"hold": str(hold)}, {}])
    assert next(client.as_completed(batch)).index == 1
    with pytest.raises(StillRunning, match="1 tasks of batch"):
        client.gather(batch, patience_s=0.7)
    hold.unlink()
    assert client.gather(batch).summary() == "2 of 2 succeeded"


def test_a_batch_can_be_given_up(client: Client) -> None:
    batch = client.map("act", [{"do": "sleep", "seconds": 60}] * 4)
    assert client.cancel_batch(batch).states.cancelled == 4
    assert client.gather(batch).summary() == "0 of 4 succeeded; task_cancelled 4"


def test_what_has_been_forgotten_is_said_to_be(client: Client) -> None:
    batch = client.map("noop", [{}], result_ttl_s=3)
    assert client.gather(batch).summary() == "1 of 1 succeeded"
    until(lambda: isinstance(client.gather(batch)[0].error, Expired))


def test_lines_for_which_there_is_no_room_are_sent_again_and_none_is_done_twice(stand: Stand, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with Client(stand.gateway(**LITTLE_ROOM).url, patience_s=60) as client:
        client.pause("low", "to fill it")
        resuming = threading.Timer(2.0, client.resume, ["low"])
        resuming.start()
        batch = client.map("act", [{"mark": str(mark), "number": n} for n in range(300)], priority="low")
        resuming.join()
        assert client.gather(batch).summary() == "300 of 300 succeeded"
    assert mark.read_text() == "." * 300


def test_lines_for_which_there_never_was_room_are_told(stand: Stand) -> None:
    with Client(stand.gateway(**LITTLE_ROOM).url) as client:
        client.pause("low", "to fill it")
        batch = client.batch([{"kind": "noop", "data": {}, "priority": "low"}] * 300, patience_s=1.5)
        client.resume("low")
        items = client.gather(batch)
    assert [type(item.error) for item in items] == [type(None)] * 260 + [Busy] * 40


def test_progress_is_a_line_a_tenth_where_there_is_no_terminal(client: Client, capsys: pytest.CaptureFixture) -> None:
    client.gather(client.map("act", [{"do": "sleep", "seconds": 0.02}] * 40, batch_label="forty"), progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 11
    assert lines[-1].startswith("forty: 40/40  100%")
