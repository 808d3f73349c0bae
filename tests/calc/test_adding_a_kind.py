"""docs/adding-a-kind.md is followed to the letter: its blocks are written to files, loaded, and put to the laws."""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from calc import execute
from tests.calc.laws import LAWS

PAGE = Path(__file__).parent.parent.parent / "docs" / "adding-a-kind.md"
MODULE, PLAIN, TEST = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
(REQUEST,) = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The kind of the page, loaded as HEADRACE_KINDS loads one from a package that is not ours."""
    package = tmp_path_factory.mktemp("somewhere") / "somewhere"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "pi.py").write_text(MODULE)
    (package / "test_pi.py").write_text(TEST)
    (package / "plain.py").write_text(PLAIN)
    known = execute.kinds()
    sys.path.insert(0, str(package.parent))
    execute.load("somewhere.pi")
    yield execute.find("pi")
    sys.path.remove(str(package.parent))
    for name in [name for name in sys.modules if name.split(".")[0] == "somewhere"]:
        del sys.modules[name]
    for name in execute.kinds().keys() - known.keys():
        del execute._kinds[name]
    execute._codecs.clear()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"darts": 100},
        {"darts": 40_000_001},
        {"darts": 80_000_000, "target_standard_error": 0.0004},
    ],
    ids=["example", "few", "two parts", "target"],
)
def test_its_kind_obeys_the_laws(kind: ModuleType, change: dict, law) -> None:
    law(kind, {**kind.EXAMPLE, **change})


def test_its_request_is_answered(kind: ModuleType) -> None:
    asked = json.loads(REQUEST)
    assert asked["kind"] == kind.NAME
    plain = importlib.import_module("somewhere.plain")
    answer = json.loads(plain.answer)
    assert json.loads(plain.planned.data).items() >= asked["data"].items()
    low, high = answer["interval_95"]["pi"]
    assert low < 3.1416 < high


def test_its_test_passes(kind: ModuleType) -> None:
    importlib.import_module("somewhere.test_pi").test_the_errors_are_honest()


def test_its_module_is_in_order(kind: ModuleType) -> None:
    """It says all that KINDS says, and its files and functions are where the page says they are."""
    assert "calc/kinds/pi.py" in PAGE.read_text()
    for path in re.findall(r"`((?:calc|tests)/[\w/.]+)`", PAGE.read_text()):
        if not path.endswith(("pi.py", "test_pi.py")):
            assert (PAGE.parent.parent / path).exists(), path
    assert execute.schema("pi")["properties"]["darts"]["x-unit"] == "count"
