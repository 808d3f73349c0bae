"""Settings: read once, refused by name."""

import pytest

from pipeline import settings
from pipeline.errors import SettingsError


def test_defaults_stand_where_nothing_is_set() -> None:
    assert settings.read({}) == settings.Settings()
    assert settings.read({"HEADRACE_CHILDREN": " "}).children == 4


def test_values_are_read() -> None:
    found = settings.read(
        {"HEADRACE_CHILDREN": "2", "HEADRACE_LEASE_S": "1.5", "HEADRACE_PREFIX": "{other}", "PATH": "x"}
    )
    assert (found.children, found.lease_s, found.prefix) == (2, 1.5, "{other}")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHILDREN", "0"),
        ("CHILDREN", "many"),
        ("LEASE_S", "0.1"),
        ("PORT", "70000"),
        ("PREFIX", "nobraces"),
        ("WAIT_LIMIT_S", "nan"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"HEADRACE_{variable}='{value}'"):
        settings.read({f"HEADRACE_{variable}": value})
