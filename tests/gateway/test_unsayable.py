"""What JSON can spell and no value may be is told with its place, wherever it stands: nothing is "truncated"."""

import msgspec
import pytest

from tests.gateway.house import House, problem

DATA = '"data": {"amount": 1, "rate": 0.1}'


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/tasks", f'{{{DATA}, "label": "\\ud800"}}', "$.label"),
        ("/tasks", f'{{{DATA}, "metadata": {{"a": "x\\udfff"}}}}', "$.metadata.a"),
        ("/tasks", f'{{{DATA}, "metadata": {{"\\ud800": "x"}}}}', '$.metadata["\\ud800"]'),
        ("/tasks", f'{{{DATA}, "webhook": "https://\\ud800"}}', "$.webhook"),
        ("/tasks", f'{{{DATA}, "\\ud800": 1}}', '$["\\ud800"]'),
        ("/tasks", '{"kind": "\\ud800", "data": {}}', "$.kind"),
        ("/tasks", '{"kind": "nonsense", "data": {"x": [1, {"y": "\\ud800"}]}}', "$.data.x[1].y"),
        ("/tasks/bulk", '{"action": "cancel", "filter": {"kind": "\\ud800"}, "expect_count": 0}', "$.filter.kind"),
        ("/tasks/batch", '{"grid": {"amount": [NaN]}, "data": {"rate": 0.1}}', "$.grid.amount[0]"),
        ("/tasks/batch", '{"grid": {"amount": [[1, -1e999]]}, "data": {"rate": 0.1}}', "$.grid.amount[0][1]"),
        ("/queues/low/pause", '{"reason": "\\ud800"}', "$.reason"),
        ("/session", '{"key": "\\ud800"}', "$.key"),
    ],
)
def test_it_is_told_with_its_place(house: House, path: str, body: str, where: str) -> None:
    async def story(h: House) -> None:
        answer = await h.post(body.encode(), path)
        said = problem(answer, 422, msgspec.json.decode(answer.content)["code"])
        (fault,) = said["errors"]  # type: ignore[misc]
        assert fault["path"] == where
        assert fault["allowed"]
        assert "truncated" not in answer.text
        assert "malformed" not in answer.text

    house.tell(story)


def test_deep_data_of_no_kind_are_walked_through(house: House) -> None:
    """As deep as JSON may be: the walk has no bottom to hit."""

    async def story(h: House) -> None:
        for depth in (10, 500, 900, 5_000):
            inner = "[" * depth + '"\\ud800"' + "]" * depth
            answer = await h.post(f'{{"kind": "nonsense", "data": {{"x": {inner}}}}}'.encode())
            assert answer.status_code in (400, 422), answer.text
            assert len(answer.content) < 10_000

    house.tell(story)


@pytest.mark.parametrize("body", ["{}", '{"kind": "nonsense"}'])
def test_what_is_missing_says_what_it_would_be(house: House, body: str) -> None:
    async def story(h: House) -> None:
        said = problem(await h.post(body.encode()), 422, "invalid_request")
        (fault,) = [each for each in said["errors"] if each["path"] == "$.data"]  # type: ignore[attr-defined]
        assert fault["allowed"].startswith("an object")

    house.tell(story)
