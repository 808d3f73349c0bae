"""What the pages for people at work name is there: settings, commands of make, modules, files, kinds."""

import re
from importlib.util import find_spec

import pytest

from calc import execute
from deploy.stack import ROOT
from pipeline.settings import Deployment, Settings

PAGES = ("docs/development.md", "docs/coming-from-celery.md", "docs/logs.md", "docs/inspect.md", "CONTRIBUTING.md")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return (ROOT / request.param).read_text()


def test_its_settings_are_settings(page: str) -> None:
    known = {f"HEADRACE_{field.upper()}" for group in (Settings, Deployment) for field in group.__struct_fields__}
    known |= set(re.findall(r"HEADRACE_[A-Z]+", (ROOT / "tests" / "browser" / "conftest.py").read_text()))  # of tests
    assert set(re.findall(r"HEADRACE_[A-Z_]+", page)) <= known


def test_its_commands_of_make_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^    |`)make ([a-z-]+)", page, re.MULTILINE)) <= targets


def test_its_modules_and_files_are_there(page: str) -> None:
    for module in re.findall(r"python -m ([a-z_.]+)", page):
        assert find_spec(module), module
    for path in re.findall(r"`?((?:tests|pipeline|gateway|calc|consumer)/[a-z_/]+\.py)", page):
        assert (ROOT / path).exists(), path


def test_the_old_names_are_aliases_of_the_kinds_that_stand_there() -> None:
    page = (ROOT / "docs/coming-from-celery.md").read_text()
    ((one, two, *kinds),) = re.findall(r"`(\w+)` and `(\w+)` are taken as names of the kinds `(\w+)` and `(\w+)`", page)
    assert kinds == [execute.find(one).NAME, execute.find(two).NAME]
