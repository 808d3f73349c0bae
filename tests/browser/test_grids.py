"""Pictures of what was computed over a grid: cells, bars with their errors and curves are what the result says."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import look
from tests.browser.stage import Product
from tests.browser.test_pictures import behind, computed, example, number, picture, rows_of, saved

SHIFTS = {"rate_shifts": [0.001, -0.001, 0], "volatility_shifts": [0, 0.002]}
RULES = {"grid": {"fast": [2, 3, 6], "slow": [5, 8]}}  # 6 is not below 5


def test_swaptions_over_shifts(page: Page, product: Product, tmp_path: Path) -> None:
    result = (task := computed(product, "bermudan_swaption", example("bermudan_swaption", **SHIFTS)))["result"]
    shown = picture(page, product, task["task_id"], "value-by-shift")
    head, *lines = csv.reader(io.StringIO(saved(shown, "CSV", tmp_path).decode(), newline=""))
    assert [number(each) for each in head[1:]] == [-0.001, 0, 0.001]
    said = {(float(line[0]), number(x)): float(v) for line in lines for x, v in zip(head[1:], line[1:], strict=True)}
    assert said == {(cell["volatility_shift"], cell["rate_shift"]): cell["value"] for cell in result["grid"]}
    assert number((shown.locator(".picture-headline").text_content() or "").split(" unshifted")[0]) == pytest.approx(
        result["value"], rel=1e-7
    )
    assert len(saved(shown, "PNG", tmp_path)) > 1000
    book = page.locator('figure[data-picture="swaptions"]')
    rates = [3.5, 4, 4.5]
    wanted = [["price", *each] for each in zip(rates, result["price"], strict=True)]
    wanted += [["best date alone", *each] for each in zip(rates, result["european_price"], strict=True)]
    for (name, *figures), row in zip(wanted, behind(book), strict=True):
        assert (name, *map(number, row[1:])) == (row[0], *(pytest.approx(each, rel=1e-8) for each in figures))
    line = computed(product, "bermudan_swaption", example("bermudan_swaption"))
    shown = picture(page, product, line["task_id"], "value-by-shift")
    shifted = [[cell["rate_shift"] * 100, cell["value"]] for cell in line["result"]["grid"]]
    told = [[number(x), number(y)] for _, x, y in behind(shown)]
    assert told == [pytest.approx(each, rel=1e-8) for each in [*shifted, [0, line["result"]["value"]]]]
    alone = example("bermudan_swaption", fixed_rate=0.04)
    single = computed(product, "bermudan_swaption", alone)
    levels = [[each["time"], each["level"]] for each in single["result"]["exercise_boundary"] if each["level"]]
    shown = picture(page, product, single["task_id"], "exercise-boundary")
    assert [[number(x), number(y)] for _, x, y in behind(shown)] == [pytest.approx(each, rel=1e-8) for each in levels]


def test_trading_rules_over_their_parameters(page: Page, product: Product, tmp_path: Path) -> None:
    result = (task := computed(product, "strategy_grid", example("strategy_grid", **RULES)))["result"]
    sets, walk = result["sets"], result["walk_forward"]
    shown = picture(page, product, task["task_id"], "sharpe-map-sharpe")
    for said, name, column in (
        ("Sharpe ratio", "sharpe-map-sharpe", "sharpe"),
        ("standard error", "sharpe-map-standard", "standard_error"),
    ):
        shown.get_by_role("button", name=said, exact=True).click()
        shown = page.locator(f'figure[data-picture="{name}"]')
        head, *lines = csv.reader(io.StringIO(saved(shown, "CSV", tmp_path).decode(), newline=""))
        told = {(number(x), float(line[0])): v for line in lines for x, v in zip(head[1:], line[1:], strict=True)}
        wanted = zip(sets["fast"], sets["slow"], sets[column], strict=True)
        assert {at: float(v) if v else None for at, v in told.items()} == {(f, s): v for f, s, v in wanted}
    bars = rows_of(saved(page.locator('figure[data-picture="sharpe-ratios"]'), "CSV", tmp_path))
    order = sorted((i for i, each in enumerate(sets["sharpe"]) if each is not None), key=lambda i: -sets["sharpe"][i])
    assert [row["set"] for row in bars] == [f"fast {sets['fast'][i]}, slow {sets['slow'][i]}" for i in order]
    assert [float(row["Sharpe ratio"]) for row in bars] == [sets["sharpe"][i] for i in order]
    assert [float(row["Sharpe ratio, 95 % half width"]) for row in bars] == pytest.approx(
        [1.959963984540054 * sets["standard_error"][i] for i in order]
    )
    walked = rows_of(saved(page.locator('figure[data-picture="walk-forward"]'), "CSV", tmp_path))
    assert [int(row["period"]) for row in walked] == [walk["steps"][0]["train_end"]] + [
        step["test_end"] for step in walk["steps"]
    ]
    earned = float(walked[-1]["sum of returns (%)"])
    assert earned == pytest.approx(100 * walk["mean_return"] * walk["periods"] / 252, rel=1e-9)
    known = computed(
        product,
        "strategy_grid",
        {
            "task": "deflated_sharpe",
            "sharpe": 2.5,
            "observations": 1250,
            "trials": 100,
            "trials_variance": 0.5,
            "skewness": -3,
            "kurtosis": 10,
            "periods_per_year": 250,
        },
    )
    page.goto(look.address(product.url, "task", id=known["task_id"]))
    look.settled(page)
    expect(page.locator("figure.picture")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_they_are_accessible_and_fit_a_phone(browser: Browser, product: Product, theme: str) -> None:
    """A grid of many values is thinned, says so, and the framed cell stays."""
    slow = list(range(5, 17))
    grid = example("strategy_grid", grid={"fast": [2, 3, 4], "slow": slow}, walk_forward=None)
    tasks = [computed(product, "bermudan_swaption", example("bermudan_swaption", **SHIFTS))]
    tasks.append(computed(product, "strategy_grid", grid))
    with look.opened(browser, color_scheme=theme, viewport=look.PHONE) as page:
        for task, name in zip(tasks, ("value-by-shift", "sharpe-map-sharpe"), strict=True):
            shown = picture(page, product, task["task_id"], name)
            assert look.axe(page) == []
            assert look.overflow(page) == 0
        expect(shown.locator(".picture-note")).to_contain_text("of 12 columns; the table has all")
