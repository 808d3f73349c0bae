"""Keys: the page asks for one, and who may only look has no buttons, and no way around them."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from pipeline import apikeys, verbs
from tests.browser import look, stage
from tests.servers import Server

UNSAFE = (
    ("POST", "/tasks", {"data": {"amount": 1, "rate": 0.1}}),
    ("POST", "/tasks/bulk", {"action": "cancel", "filter": {}, "expect_count": 0}),
    ("POST", "/queues/low/pause", {"reason": "no"}),
    ("POST", "/queues/low/resume", {}),
    ("POST", "/failures/retry", {"signature": "0" * 16, "expect_count": 0}),
    ("POST", "/dead-letters/purge", {"expect_count": 0}),
)
ACTS = re.compile(r"^(Retry|Cancel|Purge|Pause|Resume|Remove|Run|Submit)\b")
ASK = """async ([method, path, body]) =>
  (await fetch(path, {method, headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)})).status"""


def test_a_viewer_has_no_buttons_and_is_refused(room: Server, browser: Browser, tmp_path: Path) -> None:
    faults = look.Faults()
    faults.gone = True  # 401 before the key, 403 when it tries
    with stage.product(room, tmp_path) as product, look.opened(browser, faults) as page:
        id = product.submit("sleep", {"seconds": 1}, delay_s=3600, label="not yours")
        key, kept = apikeys.make("viewer", apikeys.EVERYONE, "looks")
        assert product.store.do(verbs.keep_apikey(kept))
        stage.until(lambda: product.client.get("/queues").status_code == 401)
        page.goto(look.address(product.url, "queues"))
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert not look.axe(page)
        page.get_by_label("API key").fill("hr_viewer_00000000_nonsense")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("not known")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Queues")).to_be_visible()
        expect(page.get_by_text("read-only")).to_be_visible()
        expect(page.locator("main table")).to_contain_text("medium")
        assert page.locator("main button").count() == 0
        for screen in ("tasks", "failures", "dead-letters"):
            page.goto(look.address(product.url, screen))
            look.settled(page)
            expect(page.get_by_role("button", name=ACTS)).to_have_count(0)
        page.goto(look.address(product.url, "task", id=id))
        expect(page.locator("h1")).to_have_text("sleep")
        expect(page.get_by_role("button", name=ACTS)).to_have_count(0)
        tried = (*UNSAFE, ("POST", f"/tasks/{id}/cancel", {}), ("DELETE", f"/tasks/{id}", {}))
        assert [page.evaluate(ASK, list(each)) for each in tried] == [403] * len(tried)
        page.goto(look.address(product.url, "system"))
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
