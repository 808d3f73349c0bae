"""The dashboard's files: under a strict policy, asked for again only when they have changed, and nothing else."""

from pathlib import Path

import pytest

from gateway.dashboard import files
from tests.gateway.dashboard.listening import reader_of
from tests.gateway.house import House, problem

PAGE, SCRIPT = b"<!doctype html><title>Headrace</title>", b"export const x = 1;\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page, a module in a folder, and what must not be served."""
    (tmp_path / "screens").mkdir()
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "screens" / "now.js").write_bytes(SCRIPT)
    (tmp_path / "vendor.md").write_text("not for browsers")
    return tmp_path


def test_the_page_and_its_modules(house: House, folder: Path) -> None:
    async def story(h: House) -> None:
        h.client._transport.app.state.files = files.read(folder)  # type: ignore[attr-defined]
        for path, content, type_ in (
            ("/dashboard/", PAGE, "text/html; charset=utf-8"),
            ("/dashboard/index.html", PAGE, "text/html; charset=utf-8"),
            ("/dashboard/screens/now.js", SCRIPT, "text/javascript; charset=utf-8"),
        ):
            answer = await h.get(path)
            assert (answer.status_code, answer.content) == (200, content)
            assert answer.headers["content-type"] == type_
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["x-content-type-options"] == "nosniff"
            tag = answer.headers["etag"]
            for known in (tag, f"W/{tag}", f'"other", {tag}'):  # a proxy that compresses makes a weak tag of it
                again = await h.get(path, if_none_match=known)
                assert (again.status_code, again.content) == (304, b"")
            assert again.headers["content-security-policy"] == answer.headers["content-security-policy"]

    house.tell(story)


def test_its_policy_lets_nothing_in(house: House, folder: Path) -> None:
    async def story(h: House) -> None:
        h.client._transport.app.state.files = files.read(folder)  # type: ignore[attr-defined]
        policy = (await h.get("/dashboard/")).headers["content-security-policy"]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
        assert rules["require-trusted-types-for"] == "'script'"
        assert (
            rules["trusted-types"] == rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
        )
        assert "unsafe" not in policy
        assert "http" not in policy

    house.tell(story)


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/vendor.md", "/dashboard/../app.py", "/dashboard/%2e%2e/app.py", "/dashboard/..%2f..%2fapp.py",
        "/dashboard//etc/passwd", "/dashboard/screens/", "/dashboard/%00",
    ],
)  # fmt: skip
def test_nothing_else_is_served(house: House, folder: Path, path: str) -> None:
    async def story(h: House) -> None:
        h.client._transport.app.state.files = files.read(folder)  # type: ignore[attr-defined]
        problem(await h.get(path), 404, "no_such_path")

    house.tell(story)


def test_the_root_leads_to_it(house: House) -> None:
    async def story(h: House) -> None:
        for path in ("/", "/dashboard"):
            answer = await h.get(path)
            assert (answer.status_code, answer.headers["location"]) == (307, "/dashboard/")
        assert reader_of(h).cost().listeners == 0

    house.tell(story)


def test_the_files_are_open_and_the_stream_is_not(server, folder: Path) -> None:  # type: ignore[no-untyped-def]
    """The page has to be there to ask for a key; it says nothing of anybody's tasks."""

    async def story(h: House) -> None:
        h.client._transport.app.state.files = files.read(folder)  # type: ignore[attr-defined]
        assert (await h.get("/dashboard/")).status_code == 200
        problem(await h.get("/dashboard/stream"), 401, "unauthenticated")

    House(server, admin_key="an-admin-key-of-24-characters").tell(story)


def test_every_file_that_there_is_has_a_type() -> None:
    """What a browser is to get is served; only texts for people are not."""
    there = [path for path in files.FOLDER.rglob("*") if path.is_file()] if files.FOLDER.is_dir() else []
    assert {path.suffix for path in there} <= {*files.TYPES, ".md", ".txt", ""}
    assert len(files.read()) >= len([path for path in there if path.suffix in files.TYPES])
