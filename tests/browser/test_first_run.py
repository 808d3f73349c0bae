"""A newcomer: nothing is there, one button, and everything moves; then one batch is given up."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from pipeline.keys import PRIORITIES
from tests.browser import look, stage
from tests.browser.look import number, value_of
from tests.servers import Server


def test_the_demo_moves_every_count_and_is_given_up(room: Server, browser: Browser, tmp_path: Path) -> None:
    with stage.product(room, tmp_path, ["first"]) as product, look.opened(browser) as page:
        page.goto(look.address(product.url))
        expect(page.get_by_role("heading", name="Nothing has been calculated yet.")).to_be_visible()
        page.keyboard.press("p")  # hold the screen still: this one gives way to the figures as soon as there are any
        expect(page.locator(".pill")).to_contain_text("paused")
        page.get_by_role("button", name="Run the demo").click()
        expect(page.get_by_text("40 accepted")).to_be_visible()
        page.keyboard.press("p")
        expect(page.get_by_role("heading", name="Nothing has been calculated yet.")).to_be_hidden()
        look.eventually(page, lambda: number(page.locator(".status").inner_text().split("processes")[0]) > 0)
        expect(page.locator("figure[data-picture=workers] canvas")).to_be_visible()
        page.get_by_role("link", name="Tasks", exact=True).click()
        succeeded = page.get_by_role("button", name="succeeded").locator(".num")
        look.eventually(page, lambda: number(succeeded.inner_text()) >= 10, 90)
        for priority in PRIORITIES:  # what waits now is there to be given up, however quick this machine is
            assert product.client.post(f"/queues/{priority}/pause", json={"reason": "enough"}).is_success
        page.get_by_role("link", name="Batches").click()
        page.locator("td a.id").first.click()
        expect(page.get_by_role("heading", name="demo")).to_be_visible()
        page.get_by_role("button", name="Cancel …").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=False).last.click()
        expect(page.get_by_text("40 of 40 ended").first).to_be_visible()
        states = product.get(product.get("/batches")["batches"][0]["links"]["self"])["states"]
        assert sum(states.values()) == 40
        assert states["cancelled"]
        expect(page.locator("[data-picture=batch] [data-state=succeeded]")).to_have_count(states["succeeded"])
        page.get_by_role("link", name="Now", exact=True).click()
        expect(value_of(page, "Errors")).to_contain_text("%")
