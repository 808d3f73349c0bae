"""`make screenshots`: docs/screenshots anew. A product of its own runs the demo of the first screen."""

import random
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline import verbs
from tests.browser import look, png, stage
from tests.browser.conftest import ARGS, chromium
from tests.browser.stage import Product
from tests.servers import Server, binaries

TO = look.ROOT / "docs" / "screenshots"
SIZE = {"width": 1200, "height": 760}
MOST_BYTES = 61_440


def main() -> int:
    """Take all of them; 1 when one is too large to be kept."""
    TO.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        server = Server(folder / "store", binaries()["valkey"]).start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        try:
            with stage.product(server, folder, ["host-a", "host-b", "host-c"]) as product:
                take_all(browser, product)
        finally:
            browser.close()
            server.kill()
    sizes = {path.name: path.stat().st_size for path in sorted(TO.glob("*.png"))}
    for file, size in sizes.items():
        print(f"{file:24} {size:7,} bytes")
    return int(max(sizes.values()) > MOST_BYTES)


def take_all(browser: Browser, product: Product) -> None:
    """The demo, from the first card to its last figure."""
    with look.opened(browser, color_scheme="light", viewport=SIZE) as page:
        page.goto(look.address(product.url))
        page.get_by_role("button", name="Run the demo").wait_for()
        shot(page, "first-run")
        page.get_by_role("button", name="Run the demo").click()
        look.eventually(page, lambda: product.store.do(verbs.counts())["succeeded"] > 12, 120)
        shot(page, "now", seconds=3)
        (option,) = product.get("/tasks?kind=option_european&label=call+105&state=running")["tasks"][-1:]
        go(page, product, "task", id=option["task_id"])
        expect(page.locator("figure[data-picture^=convergence] canvas").first).to_be_visible(timeout=60_000)
        shot(page, "task-running")
        expect(page.locator(".task-head .state")).to_contain_text("succeeded", timeout=240_000)
        shot(page, "task")
        crash = [product.submit("crash", {}, label="killed on purpose") for _ in range(2)]
        for n in range(6):
            product.submit("sleep", {"seconds": 20, "parts": 4}, label=f"overnight {n}", priority="low")
        go(page, product, "workers")
        shot(page, "workers", seconds=6)
        product.client.post("/queues/low/pause", json={"reason": "month's end first"})
        go(page, product, "queues")
        shot(page, "queues")
        product.ended(*crash)
        for screen in ("failures", "dead-letters", "tasks", "batches", "try", "system"):
            go(page, product, screen)
            shot(page, screen)
        compared(page, product)
        tried(page, product)
        go(page, product, "batch", id=product.get("/batches")["batches"][0]["batch_id"])
        shot(page, "batch")
        page.emulate_media(color_scheme="dark")
        go(page, product, "now")
        shot(page, "now-dark")
        page.set_viewport_size(look.PHONE)
        go(page, product, "tasks")
        shot(page, "tasks-phone")


def compared(page: Page, product: Product) -> None:
    """Two runs of an option that differ by their seed, and the form for a grid of them."""
    option = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": 0.03, "volatility": 0.2}
    ids = [product.submit("option_european", option | {"paths": 2_000_000, "seed": seed}) for seed in (1, 2)]
    product.ended(*ids)
    go(page, product, "compare", a=ids[0], b=ids[1])
    shot(page, "compare")
    go(page, product, "try", kind="option_european")
    page.get_by_text("Grid, many tasks at once").click()
    page.get_by_label("Field 1 of the grid").select_option("strike")
    page.get_by_label("Values of field 1").fill("80..120 step 5")
    page.get_by_label("Field 1 of the grid").scroll_into_view_if_needed()
    shot(page, "grid")


def tried(page: Page, product: Product) -> None:
    """Trading rules on prices that are drawn, the same each time."""
    draw, prices = random.Random(1), [[100.0]]
    for _ in range(600):
        prices.append([prices[-1][0] * (1 + draw.gauss(0.0004, 0.012))])
    grid = {"fast": [5, 10, 20, 40], "slow": [20, 40, 60, 80, 100, 120]}
    walk = {"train": 200, "test": 40}
    data = {"prices": prices, "rule": "moving_average", "grid": grid, "walk_forward": walk, "periods_per_year": 252}
    id = product.submit("strategy_grid", data, label="averages")
    product.ended(id)
    go(page, product, "task", id=id)
    expect(page.locator("figure.picture")).to_have_count(3)
    shot(page, "strategy")


def go(page: Page, product: Product, screen: str, **params: str) -> None:
    """To a screen, until it is drawn."""
    page.goto(look.address(product.url, screen, **params))
    look.settled(page)


def shot(page: Page, name: str, seconds: float = 1.5) -> None:
    """What is in the window, after a while in which pictures are drawn and figures gather."""
    page.wait_for_timeout(seconds * 1000)
    (TO / f"{name}.png").write_bytes(png.small(page.screenshot()))


if __name__ == "__main__":
    sys.exit(main())
