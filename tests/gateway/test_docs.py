"""The pages: complete, true, and without another host."""

import hashlib
import re
from pathlib import Path

import msgspec

from gateway import openapi
from gateway.batch_lines import Grid
from gateway.bodies import Envelope
from gateway.codes import CODES, PROXY_CODES, TASK_ERRORS
from gateway.finer_codes import FIELD_FAULTS, REFUSALS
from gateway.problems import FieldFault, ProblemBody
from gateway.routes import docs
from gateway.routes.batches import BatchAccepted
from gateway.shapes import Accepted, TaskAnswer
from tests.gateway.house import House, problem

ROOT = Path(__file__).parent.parent.parent
ELSEWHERE = re.compile(r"(?:https?:)?//[a-z0-9]", re.IGNORECASE)
A_NAME = 'xmlns="http://www.w3.org/2000/svg"'  # names a language, fetches nothing


def test_our_pages_name_no_other_host(house: House) -> None:
    """Neither the pages nor what they load of ours; and the policy would not let them."""

    async def story(h: House) -> None:
        for path in ("/docs", "/docs/errors"):
            page = await h.get(path)
            assert page.status_code == 200
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert not ELSEWHERE.search(page.text)
            assert "<script>" not in page.text
            for asset in re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', page.text):
                assert (await h.get(asset)).status_code == 200
        for name in docs.ASSETS:
            if not docs.ASSETS[name][0].startswith("swagger-ui/"):
                text = (await h.get(f"/docs/assets/{name}")).text.replace(A_NAME, "").replace("// ", "")
                assert not ELSEWHERE.search(text), name
        assert not ELSEWHERE.search((await h.get("/openapi.json")).text)

    house.tell(story)


def test_what_swagger_ui_loads_is_ours(house: House) -> None:
    """No style sheet of it fetches; the one service it knows, the validator, is off."""
    style = (docs.STATIC / "swagger-ui/swagger-ui.css").read_text()
    assert not re.search(r"@import|url\((?!['\"]?data:)", style)
    assert "validatorUrl: null" in (docs.STATIC / "docs.js").read_text()


def test_vendored_files_are_what_was_published() -> None:
    """Each by its SHA-256, and nothing beside them."""
    folder = docs.STATIC / "swagger-ui"
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    table = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {path.name for path in folder.iterdir()} - {"SHA256SUMS", "README.md"}
    assert files == set(table)
    for name, digest in table.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_every_code_is_explained(house: House) -> None:
    """Where `type` leads: the page has an anchor for each, and docs/api.md a line."""

    async def story(h: House) -> None:
        page = (await h.get("/docs/errors")).text
        for code in CODES | PROXY_CODES:
            assert f'id="{code}"' in page
        for name, codes in (("task", TASK_ERRORS), ("refusal", REFUSALS), ("field", FIELD_FAULTS)):
            assert f"{{{name}}}" not in page
            for code in codes:
                assert f'id="{name}_{code}"' in page

    house.tell(story)
    written = (ROOT / "docs" / "api.md").read_text()
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning.status} |" in written
    for code, words in (*REFUSALS.items(), *FIELD_FAULTS.items()):
        assert f"| `{code}` | {words} |" in written
    assert {code for code in TASK_ERRORS if f"| `{code}` |" not in written} == set()


def test_every_address_is_in_the_table(house: House) -> None:
    """docs/api.md names each that the document has, with its method."""
    written = (ROOT / "docs" / "api.md").read_text()
    for path, methods in openapi.document(house.settings)["paths"].items():
        for method in methods:
            assert f"| `{method.upper()} {path}` |" in written
    house.store.close()


def test_every_field_is_in_a_table() -> None:
    """Of a submission, of a task and of an error: docs/api.md names each, and none that there is not."""
    written = (ROOT / "docs" / "api.md").read_text()
    submission = _named(written, "## Submitting")
    assert submission == {field.name for field in msgspec.structs.fields(Envelope)}
    task = _named(written, "## A task")
    assert task == {field.name for field in msgspec.structs.fields(TaskAnswer)}
    errors = written.split("## Errors")[1].split("\n| code |")[0]
    for field in msgspec.structs.fields(ProblemBody) + msgspec.structs.fields(FieldFault):
        assert f"`{field.name}`" in errors or f'"{field.name}"' in errors, field.name


def test_the_examples_are_answers() -> None:
    """Each JSON example of docs/api.md fits the type that it is an example of."""
    written = (ROOT / "docs" / "api.md").read_text()
    examples = re.findall(r"```json\n(.*?)```", written, re.DOTALL)
    shapes = [Accepted, BatchAccepted, Grid, ProblemBody]
    for example, shape in zip(examples, shapes, strict=True):
        whole = example.replace(', "…"]', "]")
        msgspec.json.decode(whole, type=shape, strict=True)
        assert set(msgspec.json.decode(whole)) <= {field.name for field in msgspec.structs.fields(shape)}


def _named(written: str, section: str) -> set[str]:
    """The names in the first column of the first table of a section."""
    table = written.split(f"{section}\n")[1].split("--- |\n")[1].split("\n\n")[0]
    return {
        name for row in table.splitlines() if row.startswith("| ") for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }


def test_what_nginx_answers_by_itself_is_explained() -> None:
    """Every code and status in nginx's configuration is one that the page explains, with the same title."""
    template = (ROOT / "nginx" / "nginx.conf.template").read_text()
    codes, titles = (
        template.split(f"map $status {name} {{")[1].split("\n    }")[0] for name in ("$problem_code", "$problem_title")
    )
    known = CODES | PROXY_CODES
    for status, code in re.findall(r"(\d{3}) (\w+);", codes):
        assert known[code].status == int(status)
        assert f'{status} "{known[code].title}"' in titles
    assert set(PROXY_CODES) == set(re.findall(r" (\w+);", codes)) - set(CODES)


def test_assets_are_asked_for_again_only_when_they_changed(house: House) -> None:
    """1.7 MB of Swagger UI, once a browser."""

    async def story(h: House) -> None:
        first = await h.get("/docs/assets/swagger-ui-bundle.js")
        for known in (first.headers["etag"], f"W/{first.headers['etag']}"):
            again = await h.get("/docs/assets/swagger-ui-bundle.js", if_none_match=known)
            assert (again.status_code, again.content) == (304, b"")
        problem(await h.get("/docs/assets/..%2f..%2fapp.py"), 404, "no_such_path")
        problem(await h.get("/docs/assets/app.py"), 404, "no_such_path")

    house.tell(story)
