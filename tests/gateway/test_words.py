"""What people stumble over, and what they are told: what is wrong, where, what is allowed, what to do.

What `make` says is in tests/deploy: a port in use, no store, the wrong Python, no permission, no Docker, a door without
keys, other versions, clocks that disagree.
"""

from pipeline import verbs
from tests.gateway.house import SEED, SHARE, House, problem
from tests.gateway.test_access import ADMIN, bearer, key
from tests.servers import Server

HESTON = {
    "kind": "option_european",
    "data": {"type": "call", "spot": 100, "strike": 105, "maturity": -1, "volatilty": 0.2},
}


def test_broken_json_is_told_where_it_breaks(house: House) -> None:
    async def story(h: House) -> None:
        said = problem(await h.post(b'{"data":\n  {"amount": 10000\n   "rate": 0.05}}'), 400, "malformed_json")
        assert said["detail"] == (
            "The body is not valid JSON: Expecting ',' delimiter (line 3, column 4, before '\"rate\": 0.05}}')."
        )
        assert "@task.json" in str(said["hint"])
        said = problem(await h.post(b"{'data': {}}"), 400, "malformed_json")
        assert "line 1, column 2, before \"'data': {}}\"" in str(said["detail"])

    house.tell(story)


def test_an_unknown_kind_is_told_the_nearest_and_which_there_are(house: House) -> None:
    async def story(h: House) -> None:
        said = problem(await h.post(SEED | {"kind": "option_europaen"}), 422, "unknown_kind")
        assert said["did_you_mean"] == "option_european"
        assert "bond_book" in str(said["errors"])
        assert "GET /kinds" in str(said["hint"])

    house.tell(story)


def test_every_wrong_field_is_told_with_its_value_and_what_is_allowed(house: House) -> None:
    async def story(h: House) -> None:
        said = problem(await h.post(HESTON), 422, "invalid_data")
        faults = {fault["path"]: fault for fault in said["errors"]}  # type: ignore[attr-defined]
        assert faults["$.data.volatilty"]["detail"].endswith("did you mean 'volatility'?")
        assert said["did_you_mean"] == "volatility"
        assert faults["$.data.maturity"]["value"] == -1
        assert faults["$.data.maturity"]["allowed"].startswith("a number")
        assert faults["$.data.maturity"]["pointer"] == "/data/maturity"

    house.tell(story)


def test_what_is_no_number_is_told_with_its_place(house: House) -> None:
    """JSON has no NaN, and 1e999 is no number that we could hold."""

    async def story(h: House) -> None:
        for text in (b"NaN", b"-Infinity", b"1e999"):
            body = b'{"kind": "var_historical", "data": {"returns": [[0.01], [' + text + b']], "confidence": 0.9}}'
            said = problem(await h.post(body), 422, "invalid_data")
            (fault,) = [each for each in said["errors"] if each["code"] == "not_finite"]  # type: ignore[attr-defined]
            assert fault["path"] == "$.data.returns[1][0]"
            assert fault["detail"] == "must be a finite number"

    house.tell(story)


def test_what_is_forgotten_and_what_never_was_are_told_apart(house: House) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        (id,) = h.finish()
        assert (await h.client.delete(f"/tasks/{id}")).status_code == 204
        said = problem(await h.get(f"/tasks/{id}"), 410, "task_expired")
        assert "same result to the last bit" in str(said["hint"])
        assert "result_ttl_s" in str(said["hint"])
        said = problem(await h.get(f"/tasks/{id[::-1]}"), 404, "unknown_task")
        assert "ever accepted here" in str(said["detail"])

    house.tell(story)


def test_a_full_backlog_says_when_to_ask_again(server: Server) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        answer = await h.post()
        said = problem(answer, 429, "backlog_full")
        assert "1 tasks of local are waiting at priority medium, as many as may" in str(said["detail"])
        assert "Nothing was accepted" in str(said["detail"])
        assert answer.headers["retry-after"] == str(said["retry_after_s"])

    House(server, backlog_limit=1, share=0).tell(story)


def test_whoever_waits_for_a_task_that_fails_is_told_why(house: House) -> None:
    """Never an empty 200; and what the code means stands where its type leads."""

    async def story(h: House) -> None:
        id = await h.submitted()
        h.fail("time_limit", "Job p0 ran for 30.2 s; its limit is 30 s.")
        said = problem(await h.get(f"/tasks/{id}/result?wait=1"), 409, "task_failed")
        assert said["error"] == {"code": "time_limit", "message": "Job p0 ran for 30.2 s; its limit is 30 s."}
        assert said["task_id"] == id
        assert 'id="task_time_limit"' in (await h.get("/docs/errors")).text
        assert h.store.do(verbs.cancel(id, SHARE)) == "failed"

    house.tell(story)


def test_who_may_not_is_told_what_is_missing(server: Server) -> None:
    async def story(h: House) -> None:
        answer = await h.get("/tasks")
        said = problem(answer, 401, "unauthenticated")
        assert said["detail"] == "There is no API key with this request."
        assert "Authorization: Bearer KEY" in str(said["hint"])
        viewer = key(h, "viewer")
        refused = await h.client.post("/tasks", json=SEED, headers=bearer(viewer))
        said = problem(refused, 403, "forbidden")
        assert "POST /tasks needs the role submitter" in str(said["detail"])
        assert str(said["detail"]).endswith("is viewer.")
        assert viewer.rpartition("_")[2] not in refused.text

    House(server, admin_key=ADMIN).tell(story)


def test_a_store_that_is_away_says_that_nothing_is_lost(own_server: Server) -> None:
    """And when to ask again."""

    async def story(h: House) -> None:
        own_server.kill()
        answer = await h.post()
        said = problem(answer, 503, "store_unavailable")
        assert "Nothing that was accepted is known to be lost" in str(said["detail"])
        assert answer.headers["retry-after"] == "2"

    House(own_server).tell(story)
