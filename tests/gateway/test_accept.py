"""A result in the form that is asked for: JSON or MessagePack, the same doubles in both."""

import json
import math
import struct
from typing import Any

import msgspec
import pytest

from tests.gateway.house import RESULT, SEED, House, problem

NUMBERS = [
    0.1,
    1 / 3,
    5e-324,
    1.7976931348623157e308,
    -0.0,
    2**53 + 2.0,
    1e22,
    123456789.123456789,
    -7,
    0,
    2**63,
    -(2**63),
]
JSON, MSGPACK = "application/json", "application/msgpack"


def bits(value: Any) -> Any:
    """A number as what it is made of."""
    return struct.pack("<d", value) if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("application/msgpack", MSGPACK),
        ("Application/MsgPack ; q=1.000", MSGPACK),
        ("application/x-msgpack", "application/x-msgpack"),
        ("application/vnd.msgpack, application/json;q=0.9", "application/vnd.msgpack"),
        ("application/json;q=0.4, application/msgpack;q=0.5", MSGPACK),
        ("application/msgpack;q=0.5, application/json;q=0.5", JSON),
        ("application/json;q=0, */*", MSGPACK),
        ("*/*;q=0.1, application/msgpack;q=0.2, application/json;q=0", MSGPACK),
        ("application/msgpack;q=2, application/json;q=0.1", JSON),
        ("application/json;charset=utf-8", JSON),
        (",, application/msgpack ,", MSGPACK),
    ],
)
def test_the_form_is_the_one_that_is_wanted_most(house: House, accept: str, wanted: str) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        h.finish()
        answer = await h.get(f"/tasks/{id}/result", **({"accept": accept} if accept else {"accept": ""}))
        assert (answer.status_code, answer.headers["content-type"]) == (200, wanted)
        assert answer.headers["vary"] == "Accept, Authorization, X-API-Key"
        told = answer.json() if wanted == JSON else msgspec.msgpack.decode(answer.content)
        assert told == json.loads(RESULT)

    house.tell(story)


@pytest.mark.parametrize(
    "accept", ["text/csv", "*/*;q=0", "application/json;q=0, application/*;q=0.0", "json", "*", ";q=1"]
)
def test_what_cannot_be_sent_is_406(house: House, accept: str) -> None:
    """Before and after there is a result; another's task is still not there."""

    async def story(h: House) -> None:
        id = await h.submitted()
        for _ in range(2):
            answer = await h.get(f"/tasks/{id}/result", accept=accept)
            said = problem(answer, 406, "not_acceptable")
            assert "application/json or application/msgpack" in str(said["detail"])
            assert "Accept" in answer.headers["vary"]
            h.finish()

    house.tell(story)


def test_each_form_has_its_own_tag(house: House) -> None:
    """And the same length by HEAD. Before there is a result, the task is told as JSON."""

    async def story(h: House) -> None:
        path = f"/tasks/{await h.submitted()}/result"
        early = await h.get(path, accept=MSGPACK)
        assert (early.status_code, early.headers["content-type"], early.json()["state"]) == (202, JSON, "queued")
        h.finish()
        tags = {}
        for form in (JSON, MSGPACK):
            answer = await h.get(path, accept=form)
            tags[form] = answer.headers["etag"]
            head = await h.client.head(path, headers={"Accept": form})
            assert head.headers["content-length"] == str(len(answer.content))
        assert len(set(tags.values())) == 2
        for form in (JSON, MSGPACK):
            for tag in (JSON, MSGPACK):
                answer = await h.get(path, accept=form, if_none_match=tags[tag])
                assert answer.status_code == (304 if tag == form else 200), (form, tag)
                assert answer.headers["etag"] == tags[form]

    house.tell(story)


def test_the_numbers_are_the_same_doubles(house: House) -> None:
    """To the last bit, integers as integers; a long one too, which is read beside the loop."""

    async def story(h: House) -> None:
        for result in ({"x": NUMBERS, "ü": {"a": [None, True, "é\u0000"]}}, {"x": NUMBERS * 2_000}):
            id = await h.submitted(SEED)
            h.finish(result=msgspec.json.encode(result))
            told = msgspec.msgpack.decode((await h.get(f"/tasks/{id}/result", accept=MSGPACK)).content)
            read = (await h.get(f"/tasks/{id}/result")).json()
            assert list(map(bits, told["x"])) == list(map(bits, read["x"])) == list(map(bits, result["x"]))
            assert list(map(type, told["x"])) == list(map(type, result["x"]))
            assert told == result
        assert math.copysign(1, told["x"][4]) == -1

    house.tell(story)


def test_an_integer_that_the_form_has_not_is_told_so(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        h.finish(result=b'{"x":18446744073709551616}')
        problem(await h.get(f"/tasks/{id}/result", accept=MSGPACK), 406, "not_acceptable")
        assert (await h.get(f"/tasks/{id}/result")).json() == {"x": 2**64}

    house.tell(story)
