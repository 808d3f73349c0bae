"""The document says what the server does: its examples work, its routes are ours, its answers have its shapes."""

import re
from typing import Any

import msgspec
import pytest

from calc import execute
from gateway import openapi
from gateway.codes import CODES
from gateway.routes.health import Health, Ready
from gateway.routes.kinds import KindAnswer, KindList
from gateway.shapes import Accepted, TaskAnswer, TaskList
from tests.gateway.house import SEED, House, problem

NOT_IN_IT = {
    "/metrics",
    "/docs",
    "/docs/errors",
    "/docs/assets/{name}",
    "/openapi.json",
    "/",
    "/dashboard",
    "/dashboard/{name:path}",
}


@pytest.fixture
def document(house: House) -> dict[str, Any]:
    """The document of these settings."""
    return openapi.document(house.settings)


def test_it_is_served_as_it_is(house: House, document: dict[str, Any]) -> None:
    """OpenAPI 3.1, under the usual address."""

    async def story(h: House) -> None:
        assert (await h.get("/openapi.json")).json() == document

    assert document["openapi"] == "3.1.0"
    house.tell(story)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """And every schema is used or is a part of one that is."""
    names = re.findall(r'"#/components/schemas/([^"]+)"', msgspec.json.encode(document).decode())
    assert set(names) == set(document["components"]["schemas"])


def test_its_paths_are_our_routes(house: House, document: dict[str, Any]) -> None:
    """None forgotten, none invented, each with its methods."""

    async def story(h: House) -> None:
        for path, methods in document["paths"].items():
            answer = await h.client.request("BREW", re.sub(r"{\w+}", "x", path))
            problem(answer, 405, "method_not_allowed")
            allowed = {method.lower() for method in answer.headers["allow"].split(", ")} - {"head"}
            assert allowed == set(methods)
        app = h.client._transport.app  # type: ignore[attr-defined]
        assert {route.path for route in app.routes} - NOT_IN_IT == set(document["paths"])

    house.tell(story)


def test_every_example_of_a_submission_works(house: House, document: dict[str, Any]) -> None:
    """One a kind; the default kind's names none."""

    async def story(h: House) -> None:
        examples = document["paths"]["/tasks"]["post"]["requestBody"]["content"]["application/json"]["examples"]
        assert set(examples) == set(execute.kinds())
        for example in examples.values():
            msgspec.json.decode((await h.post(example["value"])).content, type=Accepted, strict=True)

    house.tell(story)


def test_every_example_of_a_body_is_read(house: House, document: dict[str, Any]) -> None:
    """What it is about may not be there; what it says is never wrong. Of a batch each line is accepted."""
    tried = set[str]()

    async def story(h: House) -> None:
        for path, methods in document["paths"].items():
            content = methods.get("post", {}).get("requestBody", {}).get("content", {})
            address = re.sub(r"{\w+}", "0" * 26, path.replace("{priority}", "low"))
            for media_type, told in content.items():
                for example in told["examples"].values():
                    value = example["value"]
                    body = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
                    answer = await h.client.post(address, content=body, headers={"Content-Type": media_type})
                    assert answer.status_code not in (400, 405, 415, 422, 500), (path, answer.text)
                    if path == "/tasks/batch":
                        assert answer.json()["rejected_count"] == 0, answer.text
                    tried.add(path)

    house.tell(story)
    assert {path for path, methods in document["paths"].items() if "requestBody" in methods.get("post", {})} == tried


def test_the_schema_of_a_submission_is_that_of_its_kind(document: dict[str, Any]) -> None:
    """`kind` is constant in its branch; only the default kind may be left out; nothing else is taken."""
    schemas = document["components"]["schemas"]
    branches = document["paths"]["/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    for branch in branches:
        schema = schemas[branch["$ref"].rsplit("/", 1)[1]]
        kind = execute.find(schema["title"])
        named = schema["properties"]["kind"]
        assert named.get("const", named.get("enum", [""])[0]) == kind.NAME
        assert ("kind" in schema["required"]) == (kind.NAME != "compound_interest")
        assert schema["additionalProperties"] is False
        assert schemas[f"{kind.NAME}_data"] == execute.schema(kind.NAME)
    assert len(branches) == len(execute.kinds())


def test_answers_have_the_shapes_it_says(house: House) -> None:
    """Each decodes as the type whose schema stands in the document, with no field more."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED)
        h.finish()
        for path, shape in (
            (f"/tasks/{id}", TaskAnswer),
            ("/tasks", TaskList),
            ("/kinds", KindList),
            ("/kinds/var_mc", KindAnswer),
            ("/health", Health),
            ("/ready", Ready),
        ):
            content = (await h.get(path)).content
            decoded: Any = msgspec.json.decode(content, type=shape, strict=True)
            assert (
                msgspec.json.decode(content).keys() == msgspec.to_builtins(decoded, builtin_types=(msgspec.Raw,)).keys()
            )

    house.tell(story)


def test_every_code_is_in_it_or_belongs_to_no_operation(document: dict[str, Any]) -> None:
    """An error that can happen is told before it happens."""
    text = str(document["paths"])
    assert {code for code in CODES if f"`{code}`" not in text} == {"no_such_path", "method_not_allowed"}
