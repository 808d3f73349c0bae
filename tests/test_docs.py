"""What the pages say of the code is what the code says of itself."""

import re
from pathlib import Path

from pipeline.keys import KEYS
from pipeline.record import TRANSITIONS

ROOT = Path(__file__).parent.parent
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


def test_the_key_table_is_the_one_of_keys_py() -> None:
    for key in KEYS:
        assert f"| `{key.pattern}` | {key.type} | {key.holds} | {key.life} |" in ARCHITECTURE


def test_every_invariant_that_is_cited_stands_on_the_page() -> None:
    stated = set(re.findall(r"^\| (I\d+) \|", ARCHITECTURE, re.MULTILINE))
    assert stated == {f"I{n}" for n in range(1, 18)}
    for room in ("pipeline", "consumer", "gateway", "calc", "tests"):
        for path in (ROOT / room).rglob("*.*"):
            if path.suffix in (".py", ".lua"):
                assert set(re.findall(r"\bI\d+\b", path.read_text())) <= stated, path


def test_the_picture_of_the_states_names_every_transition() -> None:
    picture = ARCHITECTURE.split("## States")[1].split("## Invariants")[0]
    for (state, verb), to in TRANSITIONS.items():
        for word in (*verb.replace("submit later", "submit, later").split("|"), state or "(nothing)", to or "(gone"):
            assert word in picture or word == "forget", word


def test_screenshots_are_small_and_shown() -> None:
    page = (ROOT / "docs/dashboard.md").read_text()
    taken = sorted((ROOT / "docs/screenshots").glob("*.png"))
    assert taken
    for path in taken:
        assert f"](screenshots/{path.name})" in page, path
        assert path.stat().st_size <= 61_440, path


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and not target.startswith("mailto:"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
