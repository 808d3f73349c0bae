"""Finding tasks and acting on many: the address keeps the filter, data are text, and a count that changed stops all."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser import look
from tests.browser.look import number
from tests.browser.stage import Product

ROWS = "table.tasks tbody tr"


def test_a_filter_is_in_the_address_and_survives_reload_and_back(many: Product, page: Page) -> None:
    page.goto(look.address(many.url, "tasks"))
    page.get_by_label("Filter").fill('kind:spin state:succeeded label:"book 1"')
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(look.address(many.url, "tasks", kind="spin", state="succeeded", label="book+1"))
    rows = page.locator(ROWS)
    expect(rows).to_have_count(50)
    for _ in ("typed", "reloaded"):
        for row in rows.all()[:5]:
            expect(row).to_contain_text("spin")
            expect(row).to_contain_text("succeeded")
            expect(row).to_contain_text("book 1")
            expect(row).to_contain_text("price 8.0210")  # as it was sent, not 8.021
        expect(page.get_by_label("Filter")).to_have_value('kind:spin state:succeeded label:"book 1"')
        page.reload()
    rows.first.locator("a.id").first.click()
    expect(page.locator("h1")).to_have_text("spin")
    page.go_back()
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="older ›").click()
    page.wait_for_url("**cursor=**")
    expect(rows).to_have_count(50)


def test_one_of_several_none_of_others_and_what_stands_in_the_data(many: Product, page: Page) -> None:
    page.goto(look.address(many.url, "tasks"))
    words = 'kind:spin kind:sleep state:succeeded -label:"book 1" data.value:1..40'
    page.get_by_label("Filter").fill(words)
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**kind=spin&kind=sleep**")
    look.settled(page)
    for _ in ("typed", "reloaded"):
        expect(page.get_by_label("Filter")).to_have_value(words)
        expect(page.get_by_text("None of up to 10\u202f000 tasks that were looked at fits.")).to_be_visible()
        page.reload()
    look.settled(page)
    expect(page.get_by_label("Filter")).to_have_value(words)  # the page has begun: it will not put its own words there
    page.get_by_label("Filter").fill("kind:spin kind:sleep state:failed -label:book data.value:<0 ran:>1d")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No task matches.")).to_be_visible()
    page.get_by_label("Filter").fill("state:failed state:cancelled -kind:spin -error:refused")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(ROWS).first).to_contain_text(re.compile("failed|cancelled"))
    right = many.get("/tasks?state=failed&state=cancelled&-kind=spin&-error=refused&limit=50")["tasks"]
    shown = page.locator(ROWS).evaluate_all("rows => rows.map((row) => row.dataset.href.slice(-26))")
    assert shown == [task["task_id"] for task in right]


def test_words_that_are_no_filter_are_told(many: Product, page: Page) -> None:
    page.goto(look.address(many.url, "tasks"))
    page.get_by_label("Filter").fill("colour:red")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no colour:red")


def test_data_of_others_are_text(many: Product, page: Page) -> None:
    page.on("dialog", lambda _: (_ for _ in ()).throw(AssertionError("a script of the data ran")))
    page.goto(look.address(many.url, "tasks", state="scheduled"))
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(ROWS)).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("main img").count() == 0


def test_counts_are_those_of_the_store(many: Product, page: Page) -> None:
    page.goto(look.address(many.url, "tasks"))
    look.settled(page)
    for state in ("scheduled", "queued", "running", "succeeded", "failed", "cancelled"):
        shown = page.get_by_role("button", name=state).locator(".num")
        expect(shown).to_be_visible()
        assert number(shown.inner_text()) == many.get(f"/tasks/count?state={state}")["count"]


def test_new_tasks_wait_until_they_are_asked_for(many: Product, page: Page) -> None:
    """Nothing moves under the pointer."""
    page.goto(look.address(many.url, "tasks", kind="compound_interest"))
    first = many.submit("compound_interest", {"amount": 1, "rate": 0.01}, label="first")
    row = page.locator(f"{ROWS}[data-href*='{first}']")
    expect(row).to_be_visible()
    row.hover()
    second = many.submit("compound_interest", {"amount": 2, "rate": 0.01}, label="second")
    expect(page.get_by_role("button", name="▲ 1 new")).to_be_visible()
    expect(page.locator(f"{ROWS}[data-href*='{second}']")).to_have_count(0)
    page.get_by_role("button", name="▲ 1 new").click()
    expect(page.locator(ROWS).first).to_contain_text("second")
    for id in (first, second):
        assert many.client.post(f"/tasks/{id}/cancel").status_code == 200
    expect(row).to_contain_text("cancelled")


def test_a_bulk_action_whose_count_has_changed_is_refused_and_says_so(
    many: Product, browser: Browser, faults: look.Faults
) -> None:
    faults.gone = True  # the browser writes a line for the 409
    with look.opened(browser, faults) as page:
        refused(many, page)


def refused(many: Product, page: Page) -> None:
    page.goto(look.address(many.url, "tasks", state="failed"))
    look.settled(page)
    before, queued = (many.get(f"/tasks/count?state={state}")["count"] for state in ("failed", "queued"))
    page.get_by_role("button", name="Retry all that match …").click()
    box = page.get_by_role("dialog")
    expect(box).to_contain_text(f"Retry all {before} tasks that match?")
    go = box.get_by_role("button", name=f"Retry {before}")
    expect(go).to_be_disabled()  # more than a hundred: the number is to be typed
    for task in many.get("/tasks?state=failed&limit=30")["tasks"]:
        assert many.client.delete(f"/tasks/{task['task_id']}").status_code == 204
    box.get_by_label(f"Type {before} to go on").fill(str(before))
    with page.expect_response("**/tasks/bulk") as answered:
        go.click()
    assert answered.value.status == 409
    expect(box.get_by_role("alert")).to_contain_text(f"expected to be {before} and is {before - 30} by now")
    assert many.get("/tasks/count?state=queued")["count"] == queued
    box.get_by_role("button", name="Leave it").click()
    expect(box).to_be_hidden()


def test_selected_tasks_are_given_up(many: Product, page: Page) -> None:
    ids = [many.submit("noop", {"value": n}, label="to be cancelled") for n in range(3)]
    page.goto(look.address(many.url, "tasks", label="to+be+cancelled"))
    expect(page.locator(ROWS)).to_have_count(3)
    page.get_by_label(f"Select {ids[0]}").check()
    page.get_by_label(f"Select {ids[2]}").check()
    page.get_by_role("button", name="Cancel 2 …").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel 2").click()
    expect(page.get_by_role("dialog")).to_contain_text("2 cancelled.")
    assert [many.get(f"/tasks/{id}")["state"] for id in ids] == ["cancelled", "queued", "cancelled"]


def test_the_end_of_an_id_finds_its_task(many: Product, page: Page) -> None:
    id = many.get("/tasks?limit=9")["tasks"][8]["task_id"]
    page.goto(look.address(many.url))
    page.get_by_label("Find tasks").fill(id[-7:])
    page.keyboard.press("Enter")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(ROWS).locator("a.id").first).to_have_attribute("title", id)
    page.get_by_label("Find tasks").fill(id)
    page.keyboard.press("Enter")
    expect(page.locator(".whole")).to_have_text(id)


def test_a_list_is_saved(many: Product, page: Page) -> None:
    page.goto(look.address(many.url, "tasks", state="scheduled"))
    expect(page.locator(ROWS)).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    head, line = saved.value.path().read_text().splitlines()
    task = many.get("/tasks?state=scheduled")["tasks"][0]
    told = dict(zip(head.split(","), line.split(","), strict=True))
    assert (told["task_id"], told["kind"], told["label"]) == (task["task_id"], "sleep", task["label"])
