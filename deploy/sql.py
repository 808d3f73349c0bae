"""`make logs Q='select …'`: SQL over the lines of every log file and of the audit, by DuckDB, in this process.

    var/log/*.jsonl  var/log/*.jsonl.1 …  var/audit/*.jsonl ──▶ L, one row a line

A column of `L` is a field of docs/logs.md (a test holds the two together); what a line does not have is null. `ts` is a
time, with its zone: `ts > now() - interval 1 hour`. What is no JSON object, as the last words of a process that could
not start, is passed over.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from deploy import stack
from deploy.tell import NOT_RUNNING, Problem, complain, say, wrong_setting
from pipeline.errors import SettingsError

TEXT = (
    "level event service instance version request_id trace_id task_id batch_id rerun_of by owner kind priority "
    "input_sha256 result_sha256 error_code job step consumer from_consumer outcome state was code method path client "
    "error exception reason detail signal name how killed_because host letter_id source logger text key_id role action "
    "secret_id its_request_id its_by type receiver signature "
    "submission_id upstream upstream_status upstream_s program program_pid folder after previous sha256"
)
WHOLE = (
    "pid part parts paths attempt attempts interruptions child child_pid children input_bytes result_bytes tasks jobs "
    "spans shares letters matched refused port status bytes bytes_in bytes_out memory_limit_mb seq seed kind_version"
)
REAL = "waited_ms ran_ms cpu_ms delay_ms duration_s lease_s safe_s grace_s away_s retry_s pause_s"
TIMES = "ts submitted_at started_at"
COLUMNS = (
    dict.fromkeys(TIMES.split(), "TIMESTAMPTZ")
    | dict.fromkeys(TEXT.split(), "VARCHAR")
    | dict.fromkeys(WHOLE.split(), "BIGINT")
    | dict.fromkeys(REAL.split(), "DOUBLE")
)
# No extension is fetched from elsewhere.
CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 2,
}


def files(var: Path) -> list[Path]:
    """Every file of lines, rotated ones too."""
    return sorted([*(var / "log").glob("*.jsonl*"), *(var / "audit").glob("*.jsonl")])


def rows(var: Path, query: str) -> Iterator[dict[str, Any]]:
    """The rows of an answer. Raises duckdb.Error for a query that is none, Problem where there are no lines."""
    answer = opened(var).sql(query)
    if answer is not None:
        for row in answer.fetchall():
            yield dict(zip(answer.columns, row, strict=True))


def opened(var: Path) -> duckdb.DuckDBPyConnection:
    """A connection that knows `L`."""
    paths = [str(path) for path in files(var)]
    if not paths:
        raise Problem("There are no logs yet.", f"{var}/log is empty.", "Start Headrace:  make up", NOT_RUNNING)
    connection = duckdb.connect(config=CONFIG)
    connection.execute("set TimeZone = 'UTC'")
    lines = connection.read_json(
        paths,
        format="newline_delimited",
        columns=COLUMNS,
        ignore_errors=True,
        maximum_object_size=1 << 24,
    )
    lines.create_view("L")
    return connection


def main(arguments: list[str]) -> int:
    """Print the answer: a table for people, one JSON object a row for programs."""
    if len(arguments) != 1:
        complain("Usage:  make logs Q='select event, count(*) from L group by 1'")
        return 2
    try:
        var = stack.read().var
        if sys.stdout.isatty():
            opened(var).sql(arguments[0]).show(max_rows=1000)
            return 0
        for row in rows(var, arguments[0]):
            say(msgspec.json.encode(row).decode())
    except Problem as problem:
        complain(str(problem))
        return problem.exit_code
    except SettingsError as wrong:
        return wrong_setting(wrong)
    except duckdb.Error as wrong:
        complain(f"DuckDB does not understand this.\n{wrong}\nThe columns of L are the fields of docs/logs.md.")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
