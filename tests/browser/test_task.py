"""One task: it runs to 100 %, every number is as it was sent, what is large is a file, what failed says why."""

import json

from playwright.sync_api import Page, expect

from tests.browser import look
from tests.browser.stage import Product

LARGEST = 7_900_000  # bytes; a larger result is refused
OPTION = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": 0.03, "volatility": 0.2, "seed": 7}


def outputs(page: Page) -> dict[str, str]:
    """The outputs as they stand on the page."""
    rows = page.locator("table.outputs tr").all()
    return {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows}


def test_a_simulation_runs_to_its_end_before_the_eyes(product: Product, page: Page) -> None:
    id = product.submit("option_european", OPTION | {"paths": 400_000_000}, label="watched")
    page.goto(look.address(product.url, "task", id=id))
    expect(page.locator("h1")).to_have_text("option_european")
    expect(page.locator(".task-head .state")).to_have_text("✔ succeeded", timeout=150_000)
    expect(page.locator("figure[data-picture]").first).to_be_visible()
    result = json.loads(product.client.get(f"/tasks/{id}/result").text, parse_float=str)
    assert outputs(page)["price"] == f"{result['price']} ± {result['standard_error']['price']}"
    jobs = page.get_by_label("Jobs that ended").locator("tbody tr")
    expect(jobs).to_have_count(len(product.get(f"/tasks/{id}/history")["jobs"]))


def test_numbers_are_shown_as_they_were_sent(product: Product, page: Page) -> None:
    """JavaScript would make …992 of the first, and 0.1 of 0.10000000000000001."""
    id = product.submit("noop", {"value": 9007199254740993}, metadata={"note": "<script>alert(1)</script>"})
    product.ended(id)
    page.goto(look.address(product.url, "task", id=id))
    expect(page.locator("table.outputs td")).to_have_text("9007199254740993")
    expect(page.get_by_label("Data", exact=True)).to_contain_text('"value": 9007199254740993')
    expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
    product.submit("compound_interest", {"amount": 0.1, "rate": 0.05})
    (task,) = product.get("/tasks?kind=compound_interest&limit=1")["tasks"]
    product.ended(task["task_id"])
    page.goto(look.address(product.url, "task", id=task["task_id"]))
    expect(page.get_by_label("Data", exact=True)).to_contain_text('"amount": 0.1,')
    text = product.client.get(f"/tasks/{task['task_id']}/result").text
    expect(page.locator("table.outputs")).to_contain_text(text.partition('"total":')[2].partition(",")[0])


def test_a_large_result_is_offered_as_a_file(product: Product, page: Page) -> None:
    large, larger = (product.submit("huge_result", {"bytes": size}) for size in (300_000, LARGEST))
    product.ended(large, larger)
    for id, says in ((large, "too much for a page"), (larger, "too much for a page")):
        page.goto(look.address(product.url, "task", id=id))
        result = page.get_by_role("region", name="Result")
        expect(result).to_contain_text(says)
        assert len(page.locator("main").inner_text()) < 20_000
        with page.expect_download() as saved:
            result.get_by_role("link", name="Download").click()
        assert saved.value.path().read_bytes() == product.client.get(f"/tasks/{id}/result").content


def test_what_failed_says_why_and_leads_to_the_others(product: Product, page: Page) -> None:
    ids = [product.submit("refuse", {"text": f"Row {n} is not positive."}) for n in range(2)]
    product.ended(*ids)
    page.goto(look.address(product.url, "task", id=ids[0]))
    card = page.get_by_role("region", name="Why it failed")
    expect(card).to_contain_text("refused")
    expect(card).to_contain_text("Row 0 is not positive.")
    card.get_by_role("link", name="others that failed with it").click()
    expect(page.locator("table.tasks tbody tr")).to_have_count(2)
    page.goto(look.address(product.url, "failures"))
    group = page.locator("table.groups tbody tr").filter(has_text="refused")
    expect(group).to_contain_text("Row ● is not positive.")
    expect(group.locator("td").first).to_have_text("2")
    expect(group.get_by_role("button", name="Retry 2")).to_be_disabled()  # the same data would fail again


def test_one_that_waits_says_why(product: Product, page: Page) -> None:
    id = product.submit("sleep", {"seconds": 0.1}, delay_s=3600)
    page.goto(look.address(product.url, "task", id=id))
    expect(page.locator(".why")).to_contain_text("put off until")
    expect(page.locator(".why time")).to_be_visible()
    page.get_by_role("button", name="Cancel …").click()
    page.get_by_role("dialog").get_by_label("Why?").fill("wrong <curve>")
    page.get_by_role("dialog").get_by_role("button", name="Cancel the task").click()
    expect(page.locator(".task-head .state")).to_have_text("⊘ cancelled")
    expect(page.locator(".why")).to_have_text("Given up: “wrong <curve>”")


def test_an_id_that_never_was(product: Product, page: Page) -> None:
    faults = page.context.browser
    assert faults
    with look.opened(faults, quiet()) as other:
        other.goto(look.address(product.url, "task", id="01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        expect(other.locator("main")).to_contain_text("No task with this id was ever accepted here.")


def quiet() -> look.Faults:
    """Faults of a page whose requests are refused, as they should."""
    faults = look.Faults()
    faults.gone = True
    return faults
