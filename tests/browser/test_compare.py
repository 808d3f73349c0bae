"""Two tasks beside each other, and one as a file that needs nothing else: figures, digits, hashes are the service's."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser import look
from tests.browser.stage import Product

OPTION = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": 0.05, "volatility": 0.2, "paths": 200_000}
SHY = "<img src=x onerror=alert(1)>\u202eabc 💣 " + "x" * 120


def computed(product: Product, *data: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Options that were computed, every number as the text that was sent."""
    ids = [product.submit("option_european", each, **more) for each in data]
    product.ended(*ids)
    return [read(product, id) for id in ids]


def read(product: Product, id: str) -> dict[str, Any]:
    return dict(json.loads(product.client.get(f"/tasks/{id}").text, parse_float=str))


def row(page: Page, caption: str, name: str) -> list[str]:
    """The cells of a row."""
    found = (
        page.get_by_role("table", name=caption).get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
    )
    return [str(cell) for cell in found.first.get_by_role("cell").all_inner_texts()]


def test_two_runs_that_differ_by_their_seed(product: Product, page: Page) -> None:
    a, b = computed(product, OPTION | {"seed": 1}, OPTION | {"seed": 2})
    page.goto(look.address(product.url, "tasks", kind="option_european", limit=""))
    for each in (a, b):
        page.get_by_label(f"Select {each['task_id']}").check()
    page.get_by_role("link", name="Compare the two").click()
    expect(page).to_have_url(look.address(product.url, "compare", a=a["task_id"], b=b["task_id"]))
    expect(page.get_by_role("status").filter(has_text="1 field of the data differs.")).to_be_visible()
    assert row(page, "Data that differ", "seed") == ["1", "2", "+1 (+100\u202f%)"]
    expect(page.get_by_role("table", name="Data that differ").get_by_role("rowheader")).to_have_count(1)
    prices, errors = (
        [each["result"]["price"] for each in (a, b)],
        [each["result"]["standard_error"]["price"] for each in (a, b)],
    )
    first, second, difference, apart = row(page, "Figures", "price")
    assert [first.split(), second.split()] == [[price, "±", error] for price, error in zip(prices, errors, strict=True)]
    away = float(prices[1]) - float(prices[0])
    assert math.isclose(said(difference), away, rel_tol=1e-5)
    assert math.isclose(said(apart), away / math.hypot(*map(float, errors)), rel_tol=0.02, abs_tol=0.005)
    faults = look.axe(page)
    page.emulate_media(color_scheme="dark")
    assert faults + look.axe(page, "color-contrast") == []
    page.set_viewport_size(look.PHONE)
    assert look.overflow(page) == 0
    page.get_by_role("link", name="Swap").click()
    expect(page).to_have_url(look.address(product.url, "compare", a=b["task_id"], b=a["task_id"]))
    expect(page.get_by_role("table", name="Data that differ")).to_contain_text("−1 (−50\u202f%)")


def said(text: str) -> float:
    """A figure as the page writes it."""
    return float(text.split("(")[0].strip().replace("−", "-").replace("\u202f", ""))


def test_names_that_are_long_or_odd_break_nothing(product: Product, browser: Browser) -> None:
    """On a phone: a label, and scenarios whose names and figures are of any size, are text that fits."""
    shocks = {"A": {"type": "relative", "value": -0.5}, "B": {"type": "relative", "value": 0.1}}
    stress = {
        "positions": [{"symbol": "A", "quantity": 1e-30, "price": 1}, {"symbol": "B", "quantity": 0, "price": 5}],
        "scenarios": [{"name": f"{SHY[:60]}{'n' * 40}", "shocks": shocks}, {"name": "none", "shocks": shocks}],
    }
    ids = [product.submit("stress_test", stress, label="x" * 200), product.submit("noop", {"value": 1}, label=SHY)]
    product.ended(*ids)
    with look.opened(browser, viewport=look.PHONE) as page:
        page.on("dialog", lambda _: (_ for _ in ()).throw(AssertionError("a script of the data ran")))
        for id in ids:
            page.goto(look.address(product.url, "task", id=id))
            look.settled(page)
            if id == ids[0]:
                headline = page.locator("figure[data-picture=stress] .picture-headline")
                expect(headline).to_contain_text("onerror=alert(1)>\ufffd")  # no sign that would turn the figure around
                expect(page.locator("pre").first).to_contain_text("\\u202e")
            assert (look.overflow(page), look.axe(page)) == (0, [])
        page.goto(look.address(product.url, "compare", a=ids[0], b=ids[1]))
        expect(page.get_by_role("status").filter(has_text="Different kinds: stress_test and noop.")).to_be_visible()
        assert (look.overflow(page), look.axe(page)) == (0, [])


def test_the_same_data_give_the_same_bits_and_it_is_said(product: Product, page: Page) -> None:
    (a,) = computed(product, OPTION | {"seed": 3})
    again = product.client.post(f"/tasks/{a['task_id']}/rerun").json()["task_id"]
    product.ended(again)
    page.goto(look.address(product.url, "task", id=again))
    page.get_by_role("link", name="Compare").click()
    expect(page).to_have_url(look.address(product.url, "compare", a=a["task_id"], b=again))
    expect(page.get_by_role("status").filter(has_text=f"sha256 {a['sha256'][:16]}")).to_contain_text(
        "Same result, to the last bit, as it must be."
    )
    assert row(page, "Figures", "price")[2] == "same"
    page.goto(look.address(product.url, "compare", a=again))
    page.get_by_role("button", name="Choose").first.click()
    page.wait_for_url("**&b=**")
    page.goto(look.address(product.url, "compare", a=again))
    page.get_by_label("Second task").fill(a["task_id"].lower())
    page.get_by_label("Second task").press("Enter")
    expect(page).to_have_url(look.address(product.url, "compare", a=again, b=a["task_id"]))


def test_a_report_needs_nothing_else(product: Product, browser: Browser, folder: Path) -> None:
    """Digit for digit, with hashes to verify it by, pictures on white from a dark page, and no markup of the data."""
    (task,) = computed(product, OPTION | {"seed": 4}, label=SHY, metadata={"<b>": "</script><b>"})
    kept = folder / "report.html"
    with look.opened(browser, color_scheme="dark") as page:
        page.goto(look.address(product.url, "task", id=task["task_id"]))
        expect(page.locator("figure[data-picture^=convergence] canvas").first).to_be_visible()
        expect(page.locator("figure.picture")).to_have_count(3)
        with page.expect_download() as download:
            page.get_by_role("button", name="Report").click()
        download.value.save_as(kept)
        assert download.value.suggested_filename == f"{task['task_id']}.html"
        assert page.evaluate("() => document.documentElement.dataset.theme") is None
    context = browser.new_context(offline=True)
    try:
        page = context.new_page()
        asked, wrong = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.goto(kept.as_uri())
        text = page.locator("body").inner_text()
        assert [url for url in asked if not url.startswith("data:")] == [kept.as_uri()]
        assert not wrong
        assert page.locator("script, link, iframe, b:text('</script>')").count() == 0
        assert SHY.replace("  ", " ") in page.locator(".label").inner_text()
        for figure in (task["result"]["price"], task["result"]["standard_error"]["price"], task["sha256"]):
            assert figure in text
        assert hashlib.sha256(product.client.get(f"/tasks/{task['task_id']}/result").content).hexdigest() in text
        drawn = page.locator("img").evaluate_all("all => all.map((img) => img.naturalWidth)")
        assert len(drawn) == 3
        assert all(drawn)
        assert all(page.locator("img").evaluate_all(WHITE))
    finally:
        context.close()


WHITE = """all => all.map((img) => {
  const canvas = document.createElement('canvas');
  const drawn = canvas.getContext('2d');
  drawn.drawImage(img, 0, 0);
  return drawn.getImageData(1, 1, 1, 1).data.slice(0, 3).every((part) => part > 240);
})"""
