"""How we say no: one shape, for every address and method, and never a word of our insides."""

import pytest

from calc.errors import Fault
from gateway.codes import CODES
from gateway.problems import MEDIA_TYPE, Problem, answer, invalid
from gateway.shapes import Failure
from pipeline.errors import PipelineError
from tests.gateway.house import SEED, House, problem


@pytest.mark.parametrize("path", ["/task", "/tasks/", "/tasks/a/b", "/kinds/a/b", "/favicon.ico", "/%00", "/v1/tasks"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_where_nothing_is(house: House, path: str, method: str) -> None:
    """404, whatever is wanted there."""

    async def story(h: House) -> None:
        problem(await h.client.request(method, path), 404, "no_such_path")

    house.tell(story)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/tasks", "GET, HEAD, POST"),
        ("PUT", "/tasks/x", "DELETE, GET, HEAD"),
        ("GET", "/queues/high/pause", "POST"),
        ("BREW", "/tasks/batch", "POST"),
        ("GET", "/tasks/x/cancel", "POST"),
        ("POST", "/tasks/x/result", "GET, HEAD"),
        ("POST", "/kinds", "GET, HEAD"),
        ("OPTIONS", "/kinds/x", "GET, HEAD"),
        ("PATCH", "/health", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
    ],
)
def test_where_something_else_is(house: House, method: str, path: str, allowed: str) -> None:
    """405 with all that is allowed there."""

    async def story(h: House) -> None:
        response = await h.client.request(method, path)
        problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == allowed

    house.tell(story)


def test_every_request_has_an_id(house: House) -> None:
    """The client's when it is one, else ours; on every answer."""

    async def story(h: House) -> None:
        assert (await h.get("/health", x_request_id="my.id_0-9")).headers["x-request-id"] == "my.id_0-9"
        for bad in ("short", "x" * 129, "with space", 'qu"ote', "<script>"):
            made = (await h.get("/nowhere", x_request_id=bad)).headers["x-request-id"]
            assert made != bad
            assert len(made) == 32

    house.tell(story)


def test_a_fault_of_ours_says_nothing_of_our_insides(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """500 with an id; the reason is in the log."""

    async def story(h: House) -> None:
        async def broken(*_: object) -> None:
            raise PipelineError("secret of ours")

        h.desk.store.do = broken  # type: ignore[method-assign]
        response = await h.post(SEED)
        body = problem(response, 500, "internal_error")
        assert "secret" not in response.text
        logged = capsys.readouterr().out
        assert "secret of ours" in logged
        assert str(body["request_id"]) in logged

    house.tell(story)


@pytest.mark.parametrize("path", ["/system", "/metrics", "/tasks"])
def test_a_bug_of_any_sort_is_told_in_our_shape(house: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the hot routes and on those that take FastAPI's way; also an error that is none of ours."""

    async def story(h: House) -> None:
        await h.desk.keys()
        for name in ("do", "raw"):
            monkeypatch.setattr(h.desk.store, name, broken)
        problem(await h.get(path), 500, "internal_error")

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret of ours")

    house.tell(story)


def test_an_unknown_kind_in_the_path(house: House) -> None:
    """404 with the nearest; in a body it is 422."""

    async def story(h: House) -> None:
        body = problem(await h.get("/kinds/option_europian"), 404, "kind_not_found")
        assert body["did_you_mean"] == "option_european"
        body = problem(await h.post({"kind": "var", "data": {}}), 422, "unknown_kind")
        assert str(body["did_you_mean"]).startswith("var_")
        problem(await h.get("/kinds?x=1"), 422, "invalid_query")
        assert (await h.get("/kinds/calculate_var")).json()["kind"] == "var_mc"

    house.tell(story)


def test_a_refusal_keeps_its_own_code(house: House) -> None:
    """A kind may say more exactly why; the page explains it as a refusal."""

    async def story(h: House) -> None:
        example = (await h.get("/kinds/compound_interest")).json()["example"]
        body = problem(await h.post({"data": example | {"periods": 12, "years": 0.3}}), 422, "invalid_data")
        assert "$.data.years" in str(body["errors"])

    house.tell(story)
    said = answer(Problem("too_large", "Too many parts."), "id-of-request")
    assert (said.status_code, said.media_type) == (422, MEDIA_TYPE)
    assert b'"code":"too_large"' in said.body
    assert b'"type":"/docs/errors#refused"' in said.body


def test_a_million_wrong_fields_are_a_short_answer() -> None:
    """The first hundred, and long values cut."""
    faults = [Fault(f"$.data[{i}]", "must be a number", "x" * 1000, "a number") for i in range(1000)]
    body = answer(invalid(faults, "invalid_data"), "id-of-request").body
    assert len(body) < 60_000
    assert b"and 999 more" in body


def test_members_that_are_empty_are_left_out() -> None:
    """What a problem has nothing to say of, it does not say."""
    body = bytes(answer(Problem("task_failed", "x", error=Failure("time_limit", "Too long.")), "id-of-request").body)
    assert b'"error":{"code":"time_limit"' in body
    assert b"did_you_mean" not in body
    assert b"wrong" not in body


def test_the_table_of_codes() -> None:
    """Lower snake, a status of an error, and words for each."""
    for code, meaning in CODES.items():
        assert code == code.lower().replace("-", "_")
        assert 400 <= meaning.status < 600
        assert meaning.title
        assert len(meaning.meaning) > 40
        assert (meaning.retry_after_s > 0) == (meaning.status in (429, 503))
