"""The three programs of examples/workflows do what they say, asked of real gateways."""

import asyncio
import csv
import json
from pathlib import Path

import httpx
import pytest

from tests.client.conftest import Shell, Stand
from tests.servers import free_port

BOOK = {
    "positions": [{"symbol": "AAPL", "value": 20000}, {"symbol": "XOM", "value": -15000}],
    "volatilities": {"AAPL": 0.28, "XOM": 0.3},
    "days_per_year": 252,
    "correlation": 0.2,
    "confidence": 0.99,
    "horizon_days": 10,
    "scenarios": 20_000,
}


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(path.read_text().splitlines()))


def test_the_nightly_run_writes_a_row_a_book_and_computes_nothing_twice(shell: Shell, tmp_path: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    for name, value in (("EQ-1", 20000), ("EQ-2", 40000)):
        positions = [{"symbol": "AAPL", "value": value}, BOOK["positions"][1]]
        (books / f"{name}.json").write_text(json.dumps(BOOK | {"positions": positions}))
    words = ("-m", "examples.workflows.nightly_var", "books", "var.csv", "--night", "2026-11-25")
    done = shell(*words)
    assert (done.returncode, done.stdout) == (0, "2 of 2 succeeded\n"), done.stderr
    first = rows(tmp_path / "var.csv")
    assert [row["custom_id"] for row in first] == ["EQ-1", "EQ-2"]
    assert float(first[1]["result.var"]) > float(first[0]["result.var"]) > 0
    assert "nightly var 2026-11-25: 2/2  100%" in done.stderr
    assert shell(*words).returncode == 0
    assert rows(tmp_path / "var.csv") == first, "the same tasks"


def test_the_nightly_run_says_which_books_are_missing(shell: Shell, tmp_path: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    (books / "good.json").write_text(json.dumps(BOOK))
    (books / "odd.json").write_text(json.dumps(BOOK | {"confidence": 2}))
    done = shell("-m", "examples.workflows.nightly_var", "books", "var.csv", "--night", "2026-11-26")
    assert (done.returncode, done.stdout) == (1, "1 of 2 succeeded; invalid_data 1\n")
    _, odd = rows(tmp_path / "var.csv")
    assert (odd["custom_id"], odd["error"], odd["result.var"]) == ("odd", "invalid_data", "")
    away = shell("-m", "examples.workflows.nightly_var", "books", "var.csv", "--patience", "0.5",
                 HEADRACE_URL=f"http://127.0.0.1:{free_port()}")  # fmt: skip
    assert away.returncode == 3
    assert "Nobody answers" in away.stderr


def test_the_what_if_grid_fills_in(shell: Shell) -> None:
    done = shell("-m", "examples.workflows.what_if")
    assert done.returncode == 0, done.stderr
    half, whole = done.stdout.split("All of them:")
    assert " ." in half
    grid = [list(map(float, line.split())) for line in whole.splitlines()[2:7]]
    assert [row[0] for row in grid] == [80, 90, 100, 110, 120]
    assert all(row[1] < row[2] < row[3] for row in grid), "more volatility, more value"
    assert all(sorted(column) == list(column) for column in zip(*grid, strict=True)), "more spot, more value"
    assert "The widest standard error is" in whole


def test_the_pricing_page_answers_prices_wrong_fields_and_not_now(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_URL", stand.url)
    from examples.workflows import pricing_page  # noqa: PLC0415 - it needs the client, which conftest has found

    async def ask(*queries: str) -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=pricing_page.app)
        async with (
            pricing_page.app.router.lifespan_context(pricing_page.app),
            httpx.AsyncClient(transport=transport, base_url="http://page") as page,
        ):
            return [await page.get(f"/quote?{query}") for query in queries]

    good = "spot=100&strike=105&volatility=0.2&maturity=1"
    first, again, wrong, none = asyncio.run(ask(good, good, good.replace("0.2", "-1"), "spot=x"))
    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    assert first.json()["price"] == pytest.approx(8.0214, abs=1e-4)
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "$.data.volatility")
    assert none.status_code == 422
    monkeypatch.setenv("HEADRACE_URL", f"http://127.0.0.1:{free_port()}")
    (away,) = asyncio.run(ask(good))
    assert (away.status_code, away.headers["retry-after"]) == (503, "1")
