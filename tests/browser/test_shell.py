"""The shell: by keyboard alone, in every zone, held still, light enough."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from gateway.dashboard import files
from tests.browser import look
from tests.browser.stage import Product

MOST_BYTES = 120 * 1024  # of JavaScript and CSS before the first screen is drawn
STATIC = re.compile(r"^(?:import (?:[^;'\"]*? from )?|export [^;'\"]*? from )'([^']+)';$", re.MULTILINE)


HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_by_keyboard_alone(many: Product, page: Page) -> None:
    page.goto(look.address(many.url))
    look.settled(page)
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    keys.press("g")
    keys.press("t")
    rows = page.locator("table.tasks tbody tr")
    expect(rows).to_have_count(50)
    keys.press("j")
    keys.press("j")
    expect(rows.nth(1).locator("a").first).to_be_focused()
    keys.press("x")
    expect(rows.nth(1).locator("input")).to_be_checked()
    keys.press("k")
    keys.press("Enter")
    expect(page.locator(".task-head h1")).to_be_visible()
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("hold the screen still")
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    keys.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    keys.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    keys.press("/")
    expect(page.locator("#search")).to_be_focused()
    keys.type("state:failed")
    keys.press("Enter")
    expect(page.get_by_role("button", name="failed")).to_have_attribute("aria-pressed", "true")
    for letter, title in (("w", "Workers"), ("q", "Queues"), ("f", "Failures"), ("b", "Batches"), ("s", "System")):
        keys.press("g")
        keys.press(letter)
        expect(page.locator("main h1")).to_have_text(title)


def test_times_are_in_the_zone_that_was_asked_for(many: Product, browser: Browser) -> None:
    """Kathmandu is 5 h 45 m ahead: a zone that halves and quarters of hours have to be right for."""
    task = many.get("/tasks?state=scheduled")["tasks"][0]
    at = datetime.fromisoformat(task["submitted_at"])
    there, utc = (at + timedelta(hours=5, minutes=45)).strftime("%H:%M:%S"), at.strftime("%H:%M:%S")
    with look.opened(browser, timezone_id="Asia/Kathmandu") as page:
        page.goto(look.address(many.url, "tasks", state="scheduled"))
        shown = page.locator("table.tasks tbody time").first
        expect(shown).to_contain_text(there)
        expect(shown).to_have_attribute("title", at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z")
        page.get_by_role("button", name="Local time").click()
        expect(shown).to_contain_text(utc)
        page.get_by_role("button", name="UTC").click()
        expect(shown).to_contain_text("ago")
        page.reload()
        expect(shown).to_contain_text("ago")
        assert "-" not in shown.inner_text()


def test_the_screen_is_held_still(many: Product, page: Page) -> None:
    page.goto(look.address(many.url, "queues"))
    look.settled(page)
    queued = page.get_by_role("region", name="Tasks queued").locator(".value b")
    before = queued.inner_text()
    page.keyboard.press("p")
    expect(page.locator(".pill")).to_contain_text("paused")
    id = many.submit("noop", {"value": 1})
    expect(page.locator(".pill")).to_contain_text("s behind")
    assert queued.inner_text() == before
    page.keyboard.press("p")
    expect(page.locator(".pill")).to_contain_text("live")
    expect(queued).not_to_have_text(before)
    assert many.client.post(f"/tasks/{id}/cancel").status_code == 200


def test_a_hidden_tab_costs_nothing(many: Product, page: Page) -> None:
    page.goto(look.address(many.url))
    look.settled(page)
    assert many.get("/system")["cost"]["listeners"] >= 1
    page.evaluate(HIDE, True)
    look.eventually(page, lambda: many.get("/system")["cost"]["listeners"] == 0)
    page.evaluate(HIDE, False)
    look.eventually(page, lambda: many.get("/system")["cost"]["listeners"] == 1)
    expect(page.locator(".pill")).to_contain_text("live")


def test_an_alert_for_a_tab_that_nobody_looks_at(many: Product, page: Page) -> None:
    page.goto(look.address(many.url))
    look.settled(page)
    # The failures that the store was filled with are told of for five minutes, which may end at any moment.
    shown = """() => {
      const failed = document.querySelector("nav .bad") !== null;
      const icon = document.querySelector("#icon").getAttribute("href");
      return failed
        ? /^\\(\\d+ failed\\) Now · Headrace$/.test(document.title) && icon === "icon-failing.svg"
        : document.title === "Now · Headrace" && icon !== "icon-failing.svg";
    }"""
    page.wait_for_function(shown)


def test_the_first_screen_is_light() -> None:
    """What the browser must have before it draws Now: every module that is imported, and the style."""
    todo, seen = [files.FOLDER / "main.js", files.FOLDER / "screens/now.js"], set[Path]()
    while todo:
        path = todo.pop().resolve()
        if path not in seen:
            seen.add(path)
            todo += [path.parent / name for name in STATIC.findall(path.read_text())]
    html = (files.FOLDER / "index.html").read_text()
    seen |= {files.FOLDER / name for name in re.findall(r'rel="stylesheet" href="([^"]+)"', html)}
    assert len(seen) > 15
    assert sum(path.stat().st_size for path in seen) <= MOST_BYTES
