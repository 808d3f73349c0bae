"""Numbers arrive as they were sent, to the last bit, or are refused; what cannot be said in JSON is never half-said."""

import json as standard
import struct
from typing import Any

import pytest
from msgspec import json

from calc import execute
from pipeline import verbs
from tests.gateway.house import House, problem

FLOATS = [0.1, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3, 2.5e-17, 9007199254740992.0]


def bits(number: float) -> bytes:
    return struct.pack(">d", number)


def quotes(*numbers: float) -> dict[str, Any]:
    """A book whose kind takes numbers of any size."""
    terms = {"type": "call", "spot": 100, "strike": 100, "maturity": 1, "rate": 0}
    return {"kind": "implied_vol", "data": {"price": list(numbers), **terms}}


def test_floats_keep_their_64_bits(house: House) -> None:
    """B89: from the body into the store, and from a result into the answer."""

    async def story(h: House) -> None:
        id = await h.submitted(quotes(*FLOATS))
        data = h.store.do(verbs.data(id))
        assert data
        assert [bits(number) for number in json.decode(data)["price"]] == [bits(number) for number in FLOATS]
        h.finish(result=json.encode({"numbers": FLOATS}))
        said = json.decode((await h.get(f"/tasks/{id}")).content)["result"]["numbers"]
        assert [bits(number) for number in said] == [bits(number) for number in FLOATS]

    house.tell(story)


@pytest.mark.parametrize("literal", ["9007199254740993", "-9007199254740993", "36893488147419103233", "1e400", "NaN"])
def test_what_a_float_cannot_hold_is_refused_not_rounded(house: House, literal: str) -> None:
    """B89: an integer above 2^53 that is no float, and what is no number."""

    async def story(h: House) -> None:
        body = b'{"kind": "var_historical", "data": {"losses": [1, %s], "confidence": 0.5}}' % literal.encode()
        (fault,) = problem(await h.post(body), 422, "invalid_data")["errors"]  # type: ignore[misc]
        assert fault["path"] == "$.data.losses[1]"

    house.tell(story)


def test_exact_decimals_seeds_and_ids_are_never_doubles(house: House) -> None:
    """B89: digits beyond a double stay in an exact decimal; a seed is below 2^53; ids are text."""

    async def story(h: House) -> None:
        answer = await h.post(b'{"data": {"amount": 999999999999999.123456789, "rate": 0.05}}')
        assert isinstance(answer.json()["task_id"], str)
        data = h.store.do(verbs.data(answer.json()["task_id"]))
        assert data
        assert b"999999999999999.123456789" in data
        option = execute.find("option_european").EXAMPLE
        body = {"kind": "option_european", "data": option | {"seed": 2**53}}
        problem(await h.post(body), 422, "invalid_data")
        body = {"kind": "option_european", "data": option | {"seed": 2**53 - 1}}
        assert (await h.get((await h.post(body)).headers["location"])).json()["seed"] == 2**53 - 1

    house.tell(story)


def strictly(content: bytes) -> Any:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return standard.loads(content, parse_constant=refuse)


def test_what_is_undefined_is_null_and_breaks_no_answer(house: House) -> None:
    """B60: a kind's undefined outputs are null, computed as a child computes them; one that is not finite by a bug is a
    failed task with a code. Alone, as a result and in lists beside others all of it parses strictly."""

    async def story(h: House) -> None:
        lognormal = execute.find("var_mc").EXAMPLE | {"distribution": "lognormal", "scenarios": 3000}
        undefined = await h.submitted({"kind": "var_mc", "data": lognormal})
        data = h.store.do(verbs.data(undefined))
        assert data
        h.finish(result=execute.execute("var_mc", data))
        failed = await h.submitted()
        h.fail("internal_error", "The calculation has a bug.")

        assert strictly((await h.get(f"/tasks/{undefined}/result")).content)["parametric_var"] is None
        for path in (f"/tasks/{undefined}", f"/tasks/{failed}", "/tasks"):
            answer = await h.get(path)
            assert answer.status_code == 200
            strictly(answer.content)
        assert strictly((await h.get(f"/tasks/{failed}")).content)["error"]["code"] == "internal_error"
        assert len(strictly((await h.get("/tasks")).content)["tasks"]) == 2
        strictly((await h.get(f"/tasks/{failed}/result")).content)

    house.tell(story)
