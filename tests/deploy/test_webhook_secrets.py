"""`make webhook-secret` and its two sisters, as a person types them."""

import re

import pytest

from deploy import webhook_secrets
from pipeline.webhooks import SECRET
from tests import servers


@pytest.fixture
def mine(server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store of this deployment is an empty one."""
    monkeypatch.setenv("HEADRACE_REDIS_URL", server.url)
    monkeypatch.setenv("HEADRACE_PREFIX", "{secrets}")
    with server.client() as plain:
        plain.delete("{secrets}:webhook_secrets")


def say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = webhook_secrets.main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.usefixtures("mine")
def test_a_secret_is_made_changed_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no webhook secret" in say(capsys, "list")[1]
    code, first, told = say(capsys, "make", "risk-desk")
    assert (code, first.startswith(SECRET), len(first.splitlines())) == (0, True, 1)
    assert "shown this once" in told
    code, second, told = say(capsys, "make", "risk-desk")
    (old,) = re.findall(r"make remove-webhook-secret OWNER=risk-desk ID=(\w+)", told)
    assert second != first
    code, listed, _ = say(capsys, "list")
    assert (code, listed.count("risk-desk"), SECRET in listed) == (0, 2, False)
    assert say(capsys, "remove", "risk-desk", old)[0] == 0
    code, _, told = say(capsys, "remove", "risk-desk", old)
    assert (code, "make webhook-secrets" in told) == (1, True)


@pytest.mark.usefixtures("mine")
def test_without_an_owner_it_is_the_one_of_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert say(capsys, "make", "")[0] == 0
    assert " local " in say(capsys, "list")[1]


@pytest.mark.usefixtures("mine")
def test_wrong_usage_says_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert say(capsys, "make", "two words")[0] == 2
    code, _, told = say(capsys, "nonsense")
    assert (code, "make webhook-secret [OWNER=name]" in told) == (2, True)
