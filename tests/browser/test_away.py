"""What goes away while the page is open: consumer, store, gateway. It is said, nothing is blanked, all comes back."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import look, stage
from tests.servers import Server, binaries


def test_a_killed_consumer_is_shown_lost_and_another_does_its_job(
    room: Server, browser: Browser, tmp_path: Path, hold: Path
) -> None:
    kinds = f"{stage.KINDS},tests.consumer.kinds.act"
    with stage.product(room, tmp_path, HEADRACE_KINDS=kinds) as product, look.opened(browser) as page:
        dies = product.consumer("dies", children=1)
        id = product.submit("act", {"hold": str(hold)})
        page.goto(look.address(product.url, "workers"))
        row = page.locator("table.workers")
        expect(row).to_contain_text("busy")
        expect(row).to_contain_text("act")
        dies.send_signal(signal.SIGKILL)
        dies.wait()
        product.consumer("lives", children=1)
        lost = page.locator(".banner.lost")
        expect(lost).to_contain_text("dies")
        expect(lost.locator("a")).to_have_attribute("title", id)
        expect(page.locator(".banner").first).to_contain_text("Consumer dies was lost")
        hold.unlink()
        (task,) = product.ended(id)
        assert (task["state"], task["interruptions"]) == ("succeeded", 1)
        lost.locator("a").click()
        expect(page.locator(".task-head .state")).to_have_text("✔ succeeded")
        expect(page.get_by_label("Jobs that ended").locator("tbody")).to_contain_text("lives:0")


def test_a_killed_store_is_told_and_everything_stays_until_it_is_back(browser: Browser, tmp_path: Path) -> None:
    server = Server(tmp_path / "store", binaries()["valkey"]).start()
    faults = look.Faults()
    faults.gone = True
    try:
        with stage.product(server, tmp_path) as product, look.opened(browser, faults) as page:
            product.submit("compound_interest", {"amount": 10000, "rate": 0.05}, label="stays")
            page.goto(look.address(product.url, "tasks"))
            expect(page.locator("table.tasks")).to_contain_text("stays")
            server.kill()
            expect(page.locator(".pill")).to_contain_text("store away since")
            expect(page.locator(".banner.bad")).to_contain_text("Nothing is lost")
            expect(page.locator("table.tasks")).to_contain_text("stays")
            expect(page.locator(".status")).to_contain_text("1 queued")
            server.start()
            expect(page.locator(".pill")).to_contain_text("live")
            expect(page.get_by_text("Nothing is lost")).to_be_hidden()
    finally:
        server.kill()


def test_a_store_that_is_nearly_full_is_told(room: Server, browser: Browser, tmp_path: Path) -> None:
    with stage.product(room, tmp_path) as product, room.client() as hands, look.opened(browser) as page:
        page.goto(look.address(product.url))
        expect(page.locator(".pill")).to_contain_text("live")
        try:
            hands.config_set("maxmemory", int(hands.info("memory")["used_memory"] / 0.92))
            expect(page.locator(".banner.bad")).to_contain_text(re.compile(r"The store's memory is \d+ % full"))
        finally:
            hands.config_set("maxmemory", 0)
        expect(page.locator(".banner.bad")).to_have_count(0)


@pytest.mark.parametrize("how", ["refused", "held back"])
def test_where_no_stream_gets_through_the_page_asks(room: Server, browser: Browser, tmp_path: Path, how: str) -> None:
    """By a proxy that refuses it, or one that lets nothing of it out; and once one gets through, it is taken again."""
    faults = look.Faults()
    faults.gone = True
    with stage.product(room, tmp_path) as product, look.opened(browser, faults) as page:
        held = "**/dashboard/stream*"
        page.route(held, lambda route: route.fulfill(status=403) if how == "refused" else None)
        id = product.submit("compound_interest", {"amount": 10000, "rate": 0.05})
        page.goto(look.address(product.url, "task", id=id))
        expect(page.locator(".pill")).to_contain_text("asking every 2 s")
        expect(page.locator(".status")).to_contain_text("1 queued")
        expect(page.locator(".task-head .state")).to_contain_text("queued")
        assert product.client.post(f"/tasks/{id}/cancel").status_code == 200
        expect(page.locator(".task-head .state")).to_contain_text("cancelled")
        expect(page.locator(".status")).to_contain_text("0 queued")
        assert product.get("/system")["cost"]["listeners"] == 1
        page.unroute(held)
        page.evaluate("() => dispatchEvent(new Event('online'))")
        expect(page.locator(".pill")).to_contain_text("live")


def test_a_gateway_that_went_is_found_again(room: Server, browser: Browser, tmp_path: Path) -> None:
    faults = look.Faults()
    faults.gone = True
    with stage.product(room, tmp_path) as product, look.opened(browser, faults) as page:
        page.goto(look.address(product.url))
        expect(page.locator(".pill")).to_contain_text("live")
        product.gateway.stop()
        expect(page.locator(".pill")).to_contain_text("offline")
        expect(page.locator(".status")).to_contain_text("0 queued")
        product.again()
        product.submit("compound_interest", {"amount": 10000, "rate": 0.05})
        expect(page.locator(".pill")).to_contain_text("live")
        expect(page.locator(".status")).to_contain_text("1 queued")
