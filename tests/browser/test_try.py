"""Try: the form says what the schema says, the text beside it is what is sent, and faults stand on their field."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from calc import KINDS
from tests.browser import look
from tests.browser.stage import Product


@pytest.fixture
def refused(browser: Browser) -> Iterator[Page]:
    """A page whose requests are refused: the browser writes a line of its own for each of them."""
    faults = look.Faults()
    faults.gone = True
    with look.opened(browser, faults) as page:
        yield page


def opened(page: Page, product: Product, kind: str, **more: str) -> Locator:
    """The form of a kind."""
    page.goto(look.address(product.url, "try", kind=kind, **more))
    form = page.get_by_role("form", name=f"Data of {kind}")
    expect(form).to_be_visible()
    return form


def shown(page: Page, name: str = "JSON") -> str:
    """The text beside the form."""
    page.get_by_role("group", name="Show it as").get_by_role("button", name=name).click()
    return str(page.locator(f"pre[data-as={name}]").text_content())


def test_the_worked_example_of_every_kind_stands_in_its_form(page: Page, product: Product) -> None:
    opened(page, product, "option_european")
    for kind in sorted(KINDS):
        page.get_by_label("kind").select_option(kind)
        expect(page.get_by_role("form", name=f"Data of {kind}")).to_be_visible()
        said = json.loads(shown(page))
        assert said == {"kind": kind, "data": json.loads(json.dumps(dict(KINDS[kind].EXAMPLE)))}
        assert product.client.post("/tasks/validate", json=said).status_code == 200


def test_a_field_says_its_unit_and_its_range(page: Page, product: Product) -> None:
    form = opened(page, product, "option_european")
    field = form.locator(".try-field", has=page.get_by_label("Maturity"))
    expect(field).to_contain_text("years")
    expect(field).to_contain_text("a number from 0 to 100")
    form.get_by_text("more fields").click()
    expect(form.get_by_label("Model")).to_have_value("")
    assert form.get_by_label("Model").locator("option").all_text_contents()[0] == 'default "black_scholes"'


def test_what_is_typed_is_sent_as_it_is_and_the_task_opens(page: Page, product: Product) -> None:
    form = opened(page, product, "compound_interest")
    form.get_by_label("Amount").fill("1234567890123.10")
    form.get_by_label("Rate").fill("0.050")
    form.get_by_label("Label").fill('a "label"')
    text = shown(page)
    assert '"amount": 1234567890123.10' in text
    assert '"rate": 0.050' in text
    form.get_by_label("Rate").press("Enter")
    expect(page).to_have_url(re.compile("screen=task&id="))
    (task,) = product.ended(page.url.split("id=")[1])
    assert task["label"] == 'a "label"'
    exact = Decimal("1234567890123.10") * (1 + Decimal("0.05") / 12) ** 12
    assert Decimal(task["result"]["total_exact"]) == pytest.approx(exact, abs=Decimal("1e-6"))


def test_faults_stand_on_their_fields_in_the_words_of_the_api(refused: Page, product: Product) -> None:
    form = opened(refused, product, "option_european")
    form.get_by_label("Strike").fill("-5")
    form.get_by_label("Maturity").fill("1000")
    form.get_by_role("button", name="Submit").click()
    expect(form.get_by_label("Strike")).to_be_focused()
    sent = json.loads(shown(refused))
    told = product.client.post("/tasks", json=sent).json()["errors"]
    assert {error["path"] for error in told} == {"$.data.strike", "$.data.maturity"}
    for error, label in zip(sorted(told, key=lambda e: e["path"]), ("Maturity", "Strike"), strict=True):
        field = form.get_by_label(label)
        expect(field).to_have_attribute("aria-invalid", "true")
        described = (field.get_attribute("aria-describedby") or "").split()
        expect(refused.locator(f"#{described[-1]}")).to_contain_text(error["detail"])
    form.get_by_label("Strike").fill("105")
    expect(form.get_by_label("Strike")).not_to_have_attribute("aria-invalid", "true")
    form.get_by_label("Maturity").fill("one year")
    expect(form.get_by_label("Maturity")).to_have_attribute("aria-invalid", "true")
    expect(refused.get_by_text("Without maturity, which cannot be written as JSON yet.")).to_be_visible()


def test_a_fault_deep_in_a_list_names_its_place(refused: Page, product: Product) -> None:
    form = opened(refused, product, "var_mc")
    form.get_by_label("Positions").fill('[{"symbol": "AAPL", "quantity": 1, "price": -3}]')
    form.get_by_role("button", name="Check").click()
    field = form.locator(".try-field", has=refused.get_by_label("Positions"))
    expect(field.locator(".fault")).to_contain_text("positions[0].price")
    expect(refused).to_have_url(re.compile("screen=try"))


def test_check_submits_nothing(page: Page, product: Product) -> None:
    before = product.client.get("/tasks?kind=risk_budget").json()["tasks"]
    form = opened(page, product, "risk_budget")
    form.get_by_role("button", name="Check").click()
    expect(form.get_by_role("status")).to_contain_text("Can be calculated: 1 part")
    assert product.client.get("/tasks?kind=risk_budget").json()["tasks"] == before


def test_a_task_is_changed_and_submitted(page: Page, product: Product) -> None:
    data = {"type": "put", "spot": 90, "strike": 95, "maturity": 0.5, "rate": 0.01, "volatility": 0.3}
    first = product.client.post("/tasks?wait=10", json={"kind": "option_european", "data": data}).json()
    form = opened(page, product, "option_european", like=first["task_id"])
    expect(form.get_by_label("Strike")).to_have_value("95.0")
    expect(form.get_by_label("Type")).to_have_value("put")


def test_curl_and_python_do_what_the_form_does(page: Page, product: Product) -> None:
    opened(page, product, "compound_interest")
    by_curl = subprocess.run(["sh", "-c", shown(page, "curl")], capture_output=True, text=True, check=True, timeout=90)
    assert json.loads(by_curl.stdout)["result"]["total"] == 10511.62
    program = shown(page, "Python")
    environ = os.environ | {"PYTHONPATH": "client"}
    by_python = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=90, env=environ)
    assert "10511.62" in by_python.stdout, by_python.stderr


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_is_accessible_and_fits_a_phone(browser: Browser, product: Product, theme: str) -> None:
    faults = look.Faults()
    faults.gone = True
    with look.opened(browser, faults, color_scheme=theme, viewport=look.PHONE) as page:
        form = opened(page, product, "var_mc")
        form.get_by_label("Confidence").fill("2")
        form.get_by_role("button", name="Submit").click()
        expect(form.locator(".fault")).to_be_visible()
        assert look.axe(page) == []
        assert look.overflow(page) == 0


def test_a_grid_becomes_a_batch(page: Page, product: Product) -> None:
    form = opened(page, product, "compound_interest")
    form.get_by_text("Grid", exact=False).first.click()
    form.get_by_label("Field 1 of the grid").select_option("amount")
    form.get_by_label("Values of field 1").fill("100, 200.50")
    form.get_by_role("button", name="One field more").click()
    form.get_by_label("Field 2 of the grid").select_option("rate")
    form.get_by_label("Values of field 2").fill("0.01..0.02 step 0.005")
    text = shown(page)
    assert '"grid": {' in text
    said = json.loads(text, parse_float=str)
    assert said["grid"] == {"amount": [100, "200.50"], "rate": ["0.010", "0.015", "0.020"]}
    assert not {"amount", "rate"} & set(said["data"])
    form.get_by_role("button", name="Check").click()
    expect(form.get_by_role("status")).to_contain_text("Can be calculated")
    form.get_by_label("Label").fill("a grid")
    form.get_by_role("button", name="Submit 6 tasks").click()
    page.wait_for_url("**screen=batch**")
    expect(page.locator("h1")).to_have_text("a grid")
    batch = product.client.get(f"/batches/{page.url.split('id=')[1]}").json()
    assert (batch["accepted"], batch["rejected"]) == (6, 0)


def test_a_grid_that_is_wrong_is_told_and_not_submitted(refused: Page, product: Product) -> None:
    form = opened(refused, product, "compound_interest")
    form.get_by_text("Grid", exact=False).first.click()
    form.get_by_label("Field 1 of the grid").select_option("amount")
    for values, words in [
        ("1..2 step 0", "has no value"),
        ("1..x step 1", "no plain number"),
        ("1..99999 step 1", "has 99"),
        ("1, {", "is not JSON"),
    ]:
        form.get_by_label("Values of field 1").fill(values)
        expect(form.locator(".fault").first).to_contain_text(words)
    before = product.get("/tasks/count")["count"]
    form.get_by_label("Values of field 1").fill("1, -5")
    form.get_by_role("button", name="Submit 2 tasks").click()
    expect(form.get_by_role("status")).to_contain_text("Line 2: $.data.amount")
    assert product.get("/tasks/count")["count"] == before
