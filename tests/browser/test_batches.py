"""A batch against the one before it with the same label; all priorities held and let go at once."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import look
from tests.browser.stage import Product


def accepted(product: Product, label: str, **amounts: float) -> tuple[str, dict[str, Any]]:
    """A batch with a task a name, when it has ended; the tasks by name."""
    lines = [
        {"kind": "compound_interest", "data": {"amount": amount, "rate": 0.05}, "custom_id": name}
        for name, amount in amounts.items()
    ]
    answer = product.client.post(f"/tasks/batch?label={label}", json=lines)
    assert answer.status_code == 202, answer.text
    id = answer.json()["batch_id"]
    tasks = product.get(f"/tasks?batch={id}")["tasks"]
    product.ended(*(task["task_id"] for task in tasks))
    return id, {task["custom_id"]: task for task in product.get(f"/tasks?batch={id}")["tasks"]}


def test_a_batch_and_the_one_before(product: Product, page: Page) -> None:
    """Each figure against the same task's of the newest batch with that label; another label says nothing."""
    first, _ = accepted(product, "book", a=100, b=100)
    before, then = accepted(product, "book", a=100, b=200)
    accepted(product, "else", a=7)
    id, now = accepted(product, "book", a=125, b=200, c=1)
    page.goto(look.address(product.url, "batch", id=id))
    table = page.get_by_role("table", name="Tasks of the batch, failed first")
    cell = {
        name: table.get_by_role("row").filter(has_text=now[name]["task_id"][-6:]).get_by_role("cell") for name in now
    }
    expect(cell["b"].last).to_have_text("same")
    expect(cell["c"].last).to_have_text("new")
    assert now["a"]["headline"]["name"] == then["a"]["headline"]["name"]
    expect(cell["a"].last).to_contain_text("(+25\u202f%)")
    difference = float(now["a"]["headline"]["value"]) - float(then["a"]["headline"]["value"])
    assert float((cell["a"].last.text_content() or "").split(" (")[0]) == round(difference, 4)
    assert (look.axe(page), look.overflow(page)) == ([], 0)
    cell["a"].last.get_by_role("link").click()
    expect(page).to_have_url(look.address(product.url, "compare", a=then["a"]["task_id"], b=now["a"]["task_id"]))
    page.go_back()
    page.locator(f"main a[href*='id={before}']").click()
    expect(page.locator(f"main a[href*='id={first}']")).to_have_count(1)
    page.goto(look.address(product.url, "batch", id=first))
    expect(table).to_be_visible()
    expect(page.locator("main th", has_text="since the batch before")).to_have_count(0)


def test_all_priorities_are_held_and_let_go(product: Product, page: Page) -> None:
    page.goto(look.address(product.url, "queues"))
    page.get_by_role("button", name="Pause all").click()
    page.get_by_label("Why?").fill("new version")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    look.eventually(page, lambda: all(each["paused"] for each in product.get("/queues")["queues"]))
    page.get_by_role("button", name="Resume all").click()
    expect(page.get_by_role("dialog")).to_contain_text("Paused by anybody: “new version”. 0 jobs")
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    look.eventually(page, lambda: not any(each["paused"] for each in product.get("/queues")["queues"]))
    expect(page.get_by_role("button", name="Pause all")).to_be_visible()
    expect(page.get_by_role("button", name="Resume all")).to_have_count(0)
