"""The pages in a real browser: drawn without another host, under their policy, without a word on the console; and
"Try it out" submits a task."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline import verbs
from tests.gateway.house import House
from tests.gateway.process import Gateway, running

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# In a container there is no sandbox for root; and a name that is looked up is not found, whatever the network is.
FLAGS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
LIMIT_MS = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser that this machine has."""
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Seen:
    """What a page asked for, and what it said."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.elsewhere: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: request.url.startswith((url, "data:")) or self.elsewhere.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
        )


@contextmanager
def opened(browser: Browser, gateway: Gateway, path: str) -> Iterator[Page]:
    """A page of this gateway; when it is closed, it has asked nobody else and said nothing."""
    context = browser.new_context(base_url=gateway.url)
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    seen = Seen(page, gateway.url)
    answer = page.goto(path)
    assert answer
    assert answer.status == 200
    yield page
    context.close()
    assert seen.elsewhere == []
    assert seen.said == []


def test_the_policy_would_be_heard(browser: Browser, house: House, tmp_path: Path) -> None:
    """The test of the test: what the policy forbids is noticed."""
    with running(house, tmp_path / "log") as gateway:
        context = browser.new_context(base_url=gateway.url)
        page = context.new_page()
        seen = Seen(page, gateway.url)
        page.goto("/docs/errors")
        with page.expect_console_message(lambda message: "policy:" in message.text, timeout=LIMIT_MS):
            page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: '1'}))")
        context.close()
    assert any("policy: script-src" in text for text in seen.said), seen.said


def test_the_api_can_be_read_and_tried(browser: Browser, house: House, tmp_path: Path) -> None:
    """Every operation is there; POST /tasks, as it stands, makes a task in the store."""
    with running(house, tmp_path / "log") as gateway, opened(browser, gateway, "/docs") as page:
        document = gateway.client.get("/openapi.json").json()
        operations = sum(len(methods) for methods in document["paths"].values())
        expect(page.locator(".opblock")).to_have_count(operations, timeout=LIMIT_MS)
        block = page.locator("#operations-default-submit")
        block.locator(".opblock-summary-control").click()
        block.locator(".body-param textarea").fill(json.dumps({"data": {"amount": 10000, "rate": 0.05}}))
        block.get_by_role("button", name="Execute").click()
        told = block.locator(".live-responses-table tbody .response-col_status").first
        expect(told).to_contain_text("202", timeout=LIMIT_MS)
        answered = json.loads(block.locator(".live-responses-table .microlight").first.inner_text())
        assert house.store.do(verbs.task(answered["task_id"])) is not None


def test_every_error_can_be_read(browser: Browser, house: House, tmp_path: Path) -> None:
    """`type` of an error leads to its paragraph, with an example."""
    with running(house, tmp_path / "log") as gateway, opened(browser, gateway, "/docs/errors#invalid_data") as page:
        section = page.locator("section:target")
        expect(section).to_contain_text("The data do not fit the kind", timeout=LIMIT_MS)
        assert json.loads(section.locator("pre").inner_text())["code"] == "invalid_data"
