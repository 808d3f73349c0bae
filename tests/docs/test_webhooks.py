"""docs/webhooks.md: what it tells a reader to do is done, with what is really sent."""

import json
import re
import runpy
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.settings import Settings, webhook_pauses_s
from pipeline.webhooks import Claim, Delivery, Secret, make_secret
from webhooks import signed

PAGE = (Path(__file__).parent.parent.parent / "docs" / "webhooks.md").read_text()


Verify = Callable[[str, dict[str, str], bytes], bool]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """The function on the page, as a reader has it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "verify.py").write_text(code)
    found: Verify = runpy.run_path(str(tmp_path / "verify.py"))["verify"]
    return found


def sent(*secrets: str, ago_s: int = 0) -> tuple[dict[str, str], bytes]:
    """Headers and body of a delivery."""
    delivery = Delivery(
        id="01KAX3V5Q27M9K2P0Z4DX1C8TQ",
        owner="local",
        type="task.succeeded",
        url="https://hooks.example.com/",
        state="pending",
        attempts=1,
        ended_at=1_764_065_839_042,
        next_at=None,
        last_at=None,
        last_status=None,
        last_error="",
        over_at=None,
        about={"kind": "var_mc", "label": "overnight"},
    )
    kept = tuple(Secret(f"{n}", 0, text) for n, text in enumerate(secrets))
    claim = Claim(delivery, 1, kept, int((time.time() - ago_s) * 1000))
    body = signed.body(delivery)
    return {name.lower(): value for name, value in signed.headers(claim, body)}, body


def test_the_example_verifies_what_we_send_and_nothing_else(verify: Verify) -> None:
    ours, other = make_secret()[1], make_secret()[1]
    headers, body = sent(ours)
    assert verify(ours, headers, body)
    assert not verify(other, headers, body)
    assert not verify(ours, headers, body + b" ")
    assert not verify(ours, headers | {"webhook-id": "another"}, body)
    assert not verify(ours, *sent(ours, ago_s=301)), "somebody plays it again"


def test_the_example_knows_either_of_two_secrets(verify: Verify) -> None:
    new, old = make_secret()[1], make_secret()[1]
    headers, body = sent(new, old)
    assert verify(new, headers, body)
    assert verify(old, headers, body)


def test_the_body_on_the_page_is_what_is_sent() -> None:
    shown = next(json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if '"type"' in text)
    told = json.loads(sent(make_secret()[1])[1])
    assert told | {"timestamp": ""} == shown | {"timestamp": ""}


def test_the_pauses_on_the_page_are_the_settings() -> None:
    pauses = [5, 300, 1_800, *(hours * 3_600 for hours in (2, 5, 10, 14, 20, 24))]
    assert list(webhook_pauses_s(Settings())) == pauses
    assert "after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 hours" in PAGE


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the specification's own libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    told = signed.signature([Secret("a", 0, secret)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
