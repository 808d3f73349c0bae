"""The pictures: what is drawn is what the result says, and so is the table behind it, its CSV and its PNG.

Figures are read off the drawing: places in SVG by the ticks of its axes, places on a canvas by its colours.
"""

import base64
import csv
import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from calc import KINDS, execute
from tests.browser import look
from tests.browser.stage import Product

LOAN = {"task": "schedule", "amount": 200_000, "rate": 0.045, "term_months": 360, "rounding": "half_even"}
LONG = {  # four hundred parts, some seconds in all; with a target the first estimate comes with the first part
    "type": "call",
    "spot": 100,
    "strike": 105,
    "maturity": 1,
    "rate": 0.05,
    "volatility": 0.2,
    "paths": 600_000_000,
    "target_standard_error": 1e-6,
    "variance_reduction": "none",
    "seed": 7,
}


def example(kind: str, **changes: Any) -> dict[str, Any]:
    return {**KINDS[kind].EXAMPLE, **changes}


def computed(product: Product, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """The task, when it has ended."""
    [told] = product.ended(product.submit(kind, data))
    assert told["state"] == "succeeded", told
    return told


def closed_form(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the service's closed form says of an option; with lists, of a book."""
    names = ("type", "spot", "strike", "maturity", "rate", "dividend_yield", "volatility")
    asked = {name: data[name] for name in names} | changes | {"seed": 1}
    return dict(json.loads(execute.execute("option_european", json.dumps(asked).encode())))


def picture(page: Page, product: Product, task_id: str, name: str) -> Locator:
    """A picture of a task, drawn."""
    page.goto(look.address(product.url, "task", id=task_id))
    return drawn_picture(page, name)


def drawn_picture(page: Page, name: str) -> Locator:
    """A picture on the page that is open, when it is drawn."""
    found = page.locator(f'figure[data-picture="{name}"]')
    expect(found.locator(".picture-drawing").locator("svg, canvas").first).to_be_visible()
    return found


def number(text: str) -> float:
    """Of a text as the page writes it."""
    return float(re.sub(r"[\s\u202f%]", "", text).replace("\u2212", "-"))


def table(of: Locator) -> tuple[list[str], list[list[str]]]:
    """The table behind a picture, shown if it was not."""
    if of.get_by_role("button", name="Show as table").count():
        of.get_by_role("button", name="Show as table").click()
    return tuple(  # type: ignore[return-value]
        of.locator(".picture-table table").evaluate(
            "(t) => [[...t.tHead.rows[0].cells].map(c => c.textContent),"
            " [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))]"
        )
    )


def saved(of: Locator, kind: str, folder: Path) -> bytes:
    """The file that a button of a picture gives."""
    with of.page.expect_download() as told:
        of.get_by_role("button", name=f"as {kind}", exact=False).click()
    path = folder / told.value.suggested_filename
    told.value.save_as(path)
    return path.read_bytes()


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def axis(of: Locator, which: str) -> np.ndarray[Any, Any]:
    """From pixels to figures, fitted through the ticks of an SVG: slope and intercept."""
    anchor, place = ("end", "y") if which == "y" else ("middle", "x")
    ticks = of.locator(f"svg .axes text.tick[text-anchor={anchor}]").evaluate_all(
        f"(all) => all.map(t => [Number(t.getAttribute('{place}')), t.textContent.trim()])"
    )
    known = [(at, number(text)) for at, text in ticks if text]
    return np.polyfit([at for at, _ in known], [value for _, value in known], 1)


def test_an_options_price_payoff_and_greeks(page: Page, product: Product, tmp_path: Path) -> None:
    task = computed(product, "option_european", example("option_european"))
    result, data = task["result"], example("option_european")
    shown = picture(page, product, task["task_id"], "payoff")
    dot = shown.locator("circle[data-price]")
    price = np.polyval(axis(shown, "y"), float(dot.get_attribute("cy") or "nan"))
    spot = np.polyval(axis(shown, "x"), float(dot.get_attribute("cx") or "nan"))
    assert price == pytest.approx(result["price"], abs=0.02)
    assert spot == pytest.approx(100, abs=0.02)
    half = 1.959964 * result["standard_error"]["price"]
    label = re.compile(f"{result['price']:.4f} ± {half:.4f}")
    expect(shown.locator("[role=img]")).to_have_attribute("aria-label", label)
    rows = rows_of(saved(shown, "CSV", tmp_path))
    assert len(rows) == 101
    spots = [float(row["spot"]) for row in rows]
    exact = closed_form(data, spot=spots)["price"]
    assert [float(row["worth today"]) for row in rows] == pytest.approx(exact, abs=1e-10)
    assert [float(row["pays at expiry"]) for row in rows] == pytest.approx([max(s - 105, 0) for s in spots], abs=1e-12)


def test_the_map_of_greeks_is_the_services_closed_form(page: Page, product: Product, tmp_path: Path) -> None:
    data = example("option_european", type="put")
    task = computed(product, "option_european", data)
    shown = picture(page, product, task["task_id"], "greeks-delta")
    for greek in ("delta", "price", "gamma", "vega", "theta"):
        shown.get_by_role("button", name=greek, exact=True).click()
        shown = page.locator(f'figure[data-picture="greeks-{greek}"]')
        head, *lines = list(csv.reader(io.StringIO(saved(shown, "CSV", tmp_path).decode(), newline="")))
        spots = [number(each) for each in head[1:]]
        for line in lines:
            exact = closed_form(data, spot=spots, volatility=float(line[0]))[greek]
            assert [float(each) for each in line[1:]] == pytest.approx(exact, rel=2e-4, abs=1e-9)  # spots: six figures


def test_losses_with_var_and_shortfall(page: Page, product: Product, tmp_path: Path) -> None:
    task = computed(product, "var_mc", example("var_mc"))
    result = task["result"]
    shown = picture(page, product, task["task_id"], "loss-distribution")
    bins = result["distribution"]["probability"]
    rows = rows_of(saved(shown, "CSV", tmp_path))
    assert [float(row["probability"]) for row in rows] == bins
    assert float(rows[0]["loss from"]) == result["distribution"]["lowest"]
    assert float(rows[-1]["loss to"]) == pytest.approx(result["distribution"]["highest"], rel=1e-12)
    _, cells = table(shown)
    assert [number(row[2]) for row in cells] == pytest.approx(bins, rel=1e-8)
    at = [result["var"], result["es"], result["es"] * 1.02]
    var, shortfall, neither = shown.locator(".picture-plot").evaluate(LINES, at)
    assert var[0] > 0.95, "a whole line where VaR lies, but for what is written across it"
    assert var[1] == 0
    assert shortfall[0] == 0
    assert 0.3 < shortfall[1] < 0.8, "a dashed line where ES lies"
    assert neither == [0, 0]
    label = shown.locator("[role=img]").get_attribute("aria-label") or ""
    assert number(label.split("ES")[1]) == pytest.approx(result["es"], rel=1e-4)
    assert "99" in label


# Of losses on the canvas: which share of the column of pixels there has the colour of the line of VaR, and of ES.
LINES = """
(host, losses) => {
  const { plot } = host;
  const { ctx, bbox } = plot;
  const { data, width } = ctx.getImageData(0, 0, ctx.canvas.width, ctx.canvas.height);
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => [1, 3, 5].map((at) => parseInt(style.getPropertyValue(name).trim().slice(at, at + 2), 16));
  const [ink, red] = [rgb('--pic-ink'), rgb('--pic-red')];
  return losses.map((loss) => {
    const x = Math.round(plot.valToPos(loss, 'x', true));
    let [all, inks, reds] = [0, 0, 0];
    for (let y = Math.round(bbox.top + 40); y < bbox.top + bbox.height * 0.8; y++) {
      const is = (colour) => colour.every((value, i) => Math.abs(data[(y * width + x) * 4 + i] - value) < 4);
      [all, inks, reds] = [all + 1, inks + is(ink), reds + is(red)];
    }
    return [inks / all, reds / all];
  });
}
"""


def test_past_losses_and_the_exact_law_are_drawn_too(page: Page, product: Product) -> None:
    historical = computed(product, "var_historical", example("var_historical"))
    shown = picture(page, product, historical["task_id"], "loss-distribution")
    assert "10 observations" in (shown.text_content() or "")
    pool = {"name": "a", "count": 50, "exposure": 1.0, "pd": 0.02, "lgd": 0.5, "correlation": 0.2}
    exact = computed(product, "credit_loss", {"method": "recursion", "pools": [pool], "confidence": 0.99})
    shown = picture(page, product, exact["task_id"], "loss-distribution")
    assert "exact law" in (shown.text_content() or "")
    _, cells = table(shown)
    assert number(cells[0][2]) == pytest.approx(exact["result"]["probability_no_loss"], rel=1e-8)


def test_a_frontier_and_its_weights(page: Page, product: Product, tmp_path: Path) -> None:
    task = computed(product, "markowitz", example("markowitz", objective="frontier", points=25))
    points = task["result"]["frontier"]
    shown = picture(page, product, task["task_id"], "frontier")
    dots = shown.locator("circle[data-point]")
    expect(dots).to_have_count(25)
    places = dots.evaluate_all("(all) => all.map(c => [Number(c.getAttribute('cx')), Number(c.getAttribute('cy'))])")
    across, up = axis(shown, "x"), axis(shown, "y")
    for (x, y), point in zip(places, points, strict=True):
        assert np.polyval(across, x) / 100 == pytest.approx(point["risk"], abs=2e-5)
        assert np.polyval(up, y) / 100 == pytest.approx(point["expected_return"], abs=2e-5)
    rows = rows_of(saved(shown, "CSV", tmp_path))
    assert list(rows[0]) == ["risk", "return", "equities", "bonds", "gold", "property"]
    assert [[float(each) for each in list(row.values())[2:]] for row in rows] == [point["weights"] for point in points]
    best = max(points, key=lambda point: point["sharpe_ratio"])
    label = shown.locator("[role=img]").get_attribute("aria-label") or ""
    assert f"{best['expected_return'] * 100:.2f}" in label


def test_a_schedule_by_payment_and_by_year(page: Page, product: Product, tmp_path: Path) -> None:
    task = computed(product, "loan", LOAN)
    result = task["result"]
    shown = picture(page, product, task["task_id"], "amortisation")
    _, cells = table(shown)
    assert [number(row[4]) for row in cells] == result["by_period"]["balance"]
    high = shown.locator("rect[data-bar=interest]").evaluate_all(
        "(all) => all.map(r => Number(r.getAttribute('height')))"
    )
    share = np.array(high) / high[0]
    assert share == pytest.approx(
        np.array(result["by_period"]["interest"]) / result["by_period"]["interest"][0], abs=1e-3
    )
    shown.get_by_role("button", name="per year").click()
    _, cells = table(shown)
    assert len(cells) == 30
    assert sum(number(row[2]) for row in cells) == pytest.approx(result["total_interest"], abs=0.02)
    assert "1\u202f014.00, takes what rounding left" in (shown.text_content() or "")
    rows = rows_of(saved(shown, "CSV", tmp_path))
    assert sum(float(row["principal"]) for row in rows) == pytest.approx(200_000, abs=0.02)


# Every headline of the convergence that the page ever shows.
HEADLINES = """
window.headlines = [];
new MutationObserver(() => {
  const text = document.querySelector('[data-picture="convergence-price"] .picture-headline')?.textContent;
  if (text && text !== window.headlines.at(-1)) window.headlines.push(text);
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


def test_the_band_narrows_while_parts_arrive(page: Page, product: Product) -> None:
    page.add_init_script(HEADLINES)
    assert product.client.post("/queues/low/pause", json={"reason": "until the page looks"}).is_success
    id = product.submit("option_european", LONG, priority="low")
    page.goto(look.address(product.url, "task", id=id))
    expect(page.locator(".task-head .state")).to_contain_text("queued")
    assert product.client.post("/queues/low/resume", json={}).is_success
    shown = drawn_picture(page, "convergence-price")
    expect(page.locator(".task-head .state")).to_contain_text("succeeded", timeout=150_000)
    expect(shown.locator(".picture-headline")).to_contain_text("600\u202f000\u202f000 paths")
    halves = [number(text.split("±")[1].split("(")[0]) for text in page.evaluate("() => window.headlines")]
    assert len(halves) >= 3
    assert halves == sorted(halves, reverse=True)
    task = product.client.get(f"/tasks/{id}").json()
    result = task["result"]
    pace = re.search(
        r"([\d.]+|\d[\d\u202f]*) million paths a second", shown.locator(".picture-note").text_content() or ""
    )
    assert pace
    assert number(pace[1]) == pytest.approx(600_000 / task["ran_ms"], rel=0.01)
    assert halves[-1] == pytest.approx(1.959964 * result["standard_error"]["price"], rel=0.005)
    points = product.client.get(f"/tasks/{id}/curve").json()["points"]
    _, cells = table(shown)
    assert [number(row[2]) for row in cells] == pytest.approx([p["estimate"] for p in points], rel=1e-8)
    assert [number(row[1]) for row in cells] == [p["n"] for p in points]
    drawn = shown.locator(".picture-plot").evaluate("(host) => host.plot.data")
    assert drawn[3] == [p["estimate"] for p in points]
    assert drawn[1] == pytest.approx([p["estimate"] + 1.959963984540054 * p["standard_error"] for p in points])
    assert f"closed form {result['closed_form']:.7f}".rstrip("0") in (shown.text_content() or "")


def test_the_processes_are_drawn_looked_at_closer_and_clicked(page: Page, product: Product) -> None:
    data = {**LONG, "paths": 100_000_000, "target_standard_error": None}  # two parts of half a second
    id = computed(product, "option_european", data)["task_id"]
    page.goto(look.address(product.url, "workers"))
    shown = page.locator('figure[data-picture="workers"]')
    note, canvas = shown.locator(".picture-note"), shown.locator("canvas")
    expect(shown.locator(".picture-legend")).to_contain_text("option_european")
    columns, cells = table(shown)
    spans = [dict(zip(columns, row, strict=True)) for row in cells]
    assert {span["job"] for span in spans if span["task"] == id} == {"p0", "p1", "r0"}
    shown.get_by_role("button", name="Show less time").click()
    expect(note).to_contain_text("30.0\u202fs from")
    shown.get_by_role("button", name="Show the whole window").click()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 34)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 10, box["y"] + 34, steps=4)
    page.mouse.up()
    expect(note).not_to_contain_text("1\u202fm\u202f00")
    for y, share in itertools.product((34, 54), np.linspace(0.99, 0.15, 120)):
        place = {"x": float(box["width"] * share), "y": float(y)}
        canvas.hover(position=place)  # type: ignore[arg-type]
        if f"of {id}, from" in (note.text_content() or ""):
            break
    else:
        pytest.fail("no bar of the task was found")
    assert re.search(r"option_european, job (p0|p1|r0) of", note.text_content() or "")
    canvas.click(position=place)  # type: ignore[arg-type]
    expect(page).to_have_url(re.compile(f"screen=task&id={id}"))


def test_a_png_has_the_size_and_the_ground_of_its_picture(page: Page, product: Product, tmp_path: Path) -> None:
    page.emulate_media(color_scheme="dark")
    for kind, data, name in (
        ("var_mc", example("var_mc", seed=3), "loss-distribution"),
        ("markowitz", example("markowitz", objective="frontier"), "frontier"),
    ):
        shown = picture(page, product, computed(product, kind, data)["task_id"], name)
        content = saved(shown, "PNG", tmp_path)
        wide, high, first, others = page.evaluate(PIXELS, base64.b64encode(content).decode())
        box = shown.locator(".picture-drawing").bounding_box()
        assert box
        assert (wide, high) == (pytest.approx(2 * box["width"], abs=2), pytest.approx(2 * box["height"], abs=2))
        assert first == "22,30,37", "the ground of a card in the dark"
        assert others > 0.02, "something is drawn on it"


# Of a PNG: its size, its first pixel, and the share of pixels of another colour.
PIXELS = """
async (content) => {
  const image = new Image();
  image.src = `data:image/png;base64,${content}`;
  await image.decode();
  const ctx = new OffscreenCanvas(image.width, image.height).getContext('2d');
  ctx.drawImage(image, 0, 0);
  const { data } = ctx.getImageData(0, 0, image.width, image.height);
  let others = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] !== data[0] || data[i + 1] !== data[1]) others += 4;
  return [image.width, image.height, data.slice(0, 3).join(), others / data.length];
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_accessible_and_fit_a_phone(browser: Browser, product: Product, theme: str) -> None:
    option = computed(product, "option_european", example("option_european", seed=5))
    loan = computed(product, "loan", LOAN | {"term_months": 24})
    with look.opened(browser, color_scheme=theme, viewport=look.PHONE) as page:
        for task, name in ((option, "greeks-delta"), (loan, "amortisation")):
            table(picture(page, product, task["task_id"], name))
            assert look.axe(page) == []
            assert look.overflow(page) == 0


def test_another_theme_is_drawn_at_once(page: Page, product: Product) -> None:
    task = computed(product, "option_european", example("option_european", seed=6))
    shown = picture(page, product, task["task_id"], "greeks-delta")
    canvases = (page.locator('[data-picture="convergence-price"] canvas'), shown.locator("canvas"))
    light = [canvas.evaluate("(c) => c.toDataURL()") for canvas in canvases]  # as it begins
    page.emulate_media(color_scheme="dark")
    for canvas, before in zip(canvases, light, strict=True):
        look.eventually(page, lambda c=canvas, before=before: c.evaluate("(c) => c.toDataURL()") != before)


STRESS = {
    "positions": [{"symbol": "A", "quantity": 100, "price": 50}, {"symbol": "B", "quantity": -20, "price": 80}],
    "scenarios": [
        {
            "name": "crash",
            "shocks": {"A": {"type": "relative", "value": -0.2}, "B": {"type": "relative", "value": 0.1}},
        },
        {"name": "rally", "shocks": {"A": {"type": "relative", "value": 0.1}}},
    ],
}
BOOK = {
    "type": ["call", "put", "call"],
    "spot": 100,
    "strike": [90, 100, 110],
    "maturity": 1,
    "rate": 0.03,
    "volatility": 0.2,
}


def behind(found: Locator) -> list[list[str]]:
    """The table behind a picture."""
    found.get_by_role("button", name="Show as table").click()
    return [row.locator("td").all_inner_texts() for row in found.locator("tbody tr").all()]


def test_scenarios_parts_and_books_are_drawn(page: Page, product: Product) -> None:
    """Bars end where their figures are, below zero on the other side of the axis; points stand at strike and price."""
    stress = computed(product, "stress_test", STRESS)
    found = picture(page, product, stress["task_id"], "stress")
    told = [[each["name"], each["pnl"]] for each in stress["result"]["scenarios"]]
    assert [[name, number(figure)] for name, figure in behind(found)] == told
    bars = found.locator(".picture-drawing svg > g > rect.fine, .picture-drawing svg > g > rect.fill").all()
    edges = [(float(b.get_attribute("x") or 0), float(b.get_attribute("width") or 0)) for b in bars]
    (loss_x, loss_wide), (gain_x, gain_wide) = edges
    assert loss_x + loss_wide == pytest.approx(gain_x, abs=0.5)  # the axis
    assert loss_wide / gain_wide == pytest.approx(-told[0][1] / told[1][1], rel=0.01)
    parts = page.locator('figure[data-picture="stress-parts"]')
    assert sum(number(figure) for _, figure in behind(parts)) == pytest.approx(told[0][1])
    book = computed(product, "option_european", BOOK)
    found = picture(page, product, book["task_id"], "book")
    expect(found.locator("g[transform] circle")).to_have_count(3)
    told = sorted(
        [kind, strike, round(price, 4)]
        for kind, strike, price in zip(BOOK["type"], BOOK["strike"], book["result"]["price"], strict=True)
    )  # type: ignore[call-overload]
    assert sorted([kind, number(x), round(number(y), 4)] for kind, x, y in behind(found)) == told
    risk = computed(product, "risk_budget", example("risk_budget"))
    found = picture(page, product, risk["task_id"], "risk-shares")
    shares = {name: [number(weight), number(share)] for name, weight, share in behind(found)}
    weights, risks = risk["result"]["weights"], risk["result"]["risk_shares"]
    assert shares == {name: pytest.approx([weights[name], risks[name]], rel=1e-6) for name in weights}
    assert look.axe(page) == []
