"""Every screen with nothing in it, with one task and with a hundred thousand: accessible, quiet, and not too wide."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import look
from tests.browser.look import SCREENS
from tests.browser.stage import Product


@pytest.mark.parametrize("filled", ["empty", "one", "many"])
def test_every_screen(filled: str, browser: Browser, request: pytest.FixtureRequest) -> None:
    """axe finds nothing in light and dark; no error, no refusal by the policy, no other host; 390 pixels are enough."""
    product: Product = request.getfixturevalue(filled)
    screens = ("now", "tasks", "queues", "task") if filled == "one" else (*SCREENS, "task", "batch")
    faults = []
    with look.opened(browser, color_scheme="light") as page:
        for screen in screens:
            params = {"id": first(product, screen)} if screen in ("task", "batch") else {}
            if screen in ("task", "batch") and not params["id"]:
                continue
            page.set_viewport_size(look.WIDE)
            page.emulate_media(color_scheme="light")
            page.goto(look.address(product.url, screen, **params))
            look.settled(page)
            if filled == "many" and screen in ("now", "workers"):
                expect(page.locator("figure canvas").first).to_be_visible()
            expect(page.locator("main")).not_to_contain_text("undefined")
            faults += [f"{screen}: {each}" for each in look.axe(page)]
            page.emulate_media(color_scheme="dark")
            faults += [f"{screen}, dark: {each}" for each in look.axe(page, "color-contrast")]
            for width in (look.WIDE, look.PHONE):
                page.set_viewport_size(width)
                if wider := look.overflow(page):
                    faults.append(f"{screen}: {wider} px wider than {width['width']}")
    assert not faults, "\n".join(faults)


def first(product: Product, screen: str) -> str:
    """The id of the newest task or batch; "" for none."""
    if screen == "batch":
        return "".join(each["batch_id"] for each in product.get("/batches")["batches"][:1])
    return "".join(each["task_id"] for each in product.get("/tasks?limit=1")["tasks"])
