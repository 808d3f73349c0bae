"""The dashboard's files of others are the published ones, each with its licence; so is what the browser tests use."""

import hashlib
import re
from pathlib import Path

import pytest

from gateway.dashboard import files

ROOT = Path(__file__).parents[2]
VENDOR = files.FOLDER / "vendor"
AXE = ROOT / "tests" / "browser" / "axe"
ROW = re.compile(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", re.MULTILINE)


def test_every_file_of_others_is_in_the_table_with_its_hash() -> None:
    told = dict(ROW.findall((VENDOR / "README.md").read_text()))
    there = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.suffix in (".js", ".css")}
    assert set(told) == there
    for name, sha256 in told.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha256, name


@pytest.mark.parametrize(
    "folder", sorted(path for path in VENDOR.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_each_has_its_licence(folder: Path) -> None:
    texts = [path.read_text() for path in folder.glob("LICENSE*")]
    assert texts
    assert all("MIT" in text or "Apache License" in text for text in texts)


def test_axe_is_the_published_one() -> None:
    said = re.search(r"SHA-256 `([0-9a-f]{64})`", (AXE / "README.md").read_text())
    assert said
    assert hashlib.sha256((AXE / "axe.min.js").read_bytes()).hexdigest() == said[1]
    assert (AXE / "LICENSE").read_text().startswith("Mozilla Public License")


def test_nothing_of_ours_comes_from_another_host() -> None:
    """Nor is there markup from text, or code from text: the policy would refuse it, and it would not work."""
    ours = [
        path
        for path in files.FOLDER.rglob("*")
        if path.suffix in (".js", ".css", ".html") and VENDOR not in path.parents
    ]
    assert len(ours) > 40
    for path in ours:
        text = path.read_text()
        assert not re.search(r"https?://(?!www\.w3\.org/)", text), path
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|dangerously", text
        ), path
        assert ' style="' not in text, path
