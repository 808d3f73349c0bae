"""Failures by what they have in common, and what is done to many tasks at once, guarded by how many were expected."""

from typing import Any

import pytest

from gateway.dashboard.failures import masked, signature
from pipeline import apikeys, verbs
from tests.gateway.house import SEED, House, problem
from tests.servers import Server

ADMIN = "an-admin-key-of-32-characters-ok"


@pytest.mark.parametrize(
    ("message", "same"),
    [
        ("Child died: exit code 7, in attempt 3 of job p12.", "Child died: exit code ●, in attempt ● of job ●."),
        ("The matrix's smallest eigenvalue is -1.5e-03.", "The matrix's smallest eigenvalue is ●."),
        ("No asset 'ACME 12' in task 01M8BBTHKJE4VN8P70JE4DNT4G.", "No asset ● in task ●."),
        ("All attempts of job r1 are spent.", "All attempts of job ● are spent."),
        ("sha 0123456789abcdef0123 of 1,024 bytes", "sha ● of ● bytes"),
        ("Newton needs x1 and p_2.", "Newton needs x1 and p_2."),
        ("above 0.043 (range 0.035..0.043, 3..5)", "above ● (range ●..●, ●..●)"),
    ],
)
def test_what_varies_is_masked(message: str, same: str) -> None:
    assert masked(message) == same


def test_a_signature_is_the_same_everywhere_and_differs_by_code_kind_and_words() -> None:
    one = signature("time_limit", "var_mc", "Job p1 ran for 3.0 s; its limit is 2 s.")
    assert one == signature("time_limit", "var_mc", "Job p77 ran for 12.5 s; its limit is 10 s.")
    assert one == "f25dca8412de659b"
    assert (
        len({one, signature("time_limit", "cva", "Job p1 ran …"), signature("child_died", "var_mc", "Job p1 …")}) == 3
    )


async def failed(h: House, count: int, code: str, message: str = "Job p{n} ran for {n} s.") -> list[str]:
    """So many tasks that failed, each with a message of its own."""
    found = []
    for n in range(count):
        await h.submitted()
        found.append(h.fail(code, message.format(n=n)))
    return found


async def groups(h: House) -> dict[str, dict[str, Any]]:
    """Code → group."""
    return {group["code"]: group for group in (await h.get("/failures")).json()["groups"]}


def test_failures_are_grouped_the_largest_first(house: House) -> None:
    async def story(h: House) -> None:
        limits = await failed(h, 7, "time_limit")
        refused = await failed(h, 2, "not_positive", "Row {n} is 'a{n}'.")
        await h.submitted()
        h.finish()
        told = (await h.get("/failures")).json()
        assert (told["failed"], told["finished"], told["looked_at"], told["all_looked_at"]) == (9, 10, 9, True)
        first, second = told["groups"]
        assert (first["code"], first["count"], first["retryable"]) == ("time_limit", 7, True)
        assert first["message"] == "Job ● ran for ● s."
        assert first["example"] == "Job p6 ran for 6 s."
        assert set(first["task_ids"]) <= set(limits)
        assert len(first["task_ids"]) == 5
        assert first["first_at"] <= first["last_at"]
        assert (second["code"], second["count"], second["retryable"]) == ("not_positive", 2, False)
        assert set(second["task_ids"]) == set(refused)
        now_ms = h.store.do(verbs.clock())
        assert (await h.get(f"/failures?since_ms={now_ms + 60_000}")).json()["groups"] == []
        problem(await h.get("/failures?since_ms=yesterday"), 422, "invalid_query")

    house.tell(story)


def test_a_group_is_tried_again_if_it_is_what_was_expected(house: House) -> None:
    """Each as a new task with the same data; those that were tried again do not count any more."""

    async def story(h: House) -> None:
        old = await failed(h, 3, "time_limit")
        await failed(h, 1, "child_died", "Child died.")
        asked = {"signature": (await groups(h))["time_limit"]["signature"], "expect_count": 3}
        problem(await h.post(asked | {"expect_count": 2}, "/failures/retry"), 409, "count_changed")
        assert h.store.do(verbs.counts())["queued"] == 0, "nothing was done"
        done = (await h.post(asked, "/failures/retry")).json()
        assert (done["matched"], done["done"], done["refused"]) == (3, 3, {})
        new = [h.store.do(verbs.task(id)) for id in done["task_ids"]]
        assert {task.rerun_of for task in new if task} == set(old)
        assert {task.sha256 for task in new if task} == {
            task.sha256 for id in old if (task := h.store.do(verbs.task(id)))
        }
        left = (await groups(h))["time_limit"]
        assert (left["count"], left["retried"]) == (0, 3)
        problem(await h.post(asked, "/failures/retry"), 409, "count_changed")
        await h.post(None, f"/tasks/{(await groups(h))['child_died']['task_ids'][0]}/retry")
        assert (await groups(h))["child_died"]["count"] == 0, "one by one counts as well"

    house.tell(story)


def test_one_in_twenty_more_is_no_other_number(house: House) -> None:
    async def story(h: House) -> None:
        await failed(h, 21, "time_limit")
        asked = {"signature": (await groups(h))["time_limit"]["signature"], "expect_count": 20}
        assert (await h.post(asked, "/failures/retry")).json()["done"] == 21

    house.tell(story)


def test_an_unknown_group_is_an_empty_one(house: House) -> None:
    async def story(h: House) -> None:
        nothing = {"signature": "0" * 16, "expect_count": 0}
        assert (await h.post(nothing, "/failures/retry")).json() == {
            "matched": 0, "done": 0, "refused": {}, "task_ids": []
        }  # fmt: skip
        problem(await h.post(nothing | {"expect_count": 4}, "/failures/retry"), 409, "count_changed")
        problem(await h.post(nothing | {"signature": "x"}, "/failures/retry"), 422, "invalid_request")
        problem(await h.post({}, "/failures/retry"), 422, "invalid_request")

    house.tell(story)


def test_all_that_fit_are_given_up(house: House) -> None:
    """The number of the page is the one of /tasks/count."""

    async def story(h: House) -> None:
        for _ in range(5):
            await h.submitted()
        await h.submitted(SEED | {"delay_s": 3_600})
        kept = await h.submitted({"kind": "option_european", "data": OPTION})
        assert (await h.get("/tasks/count?kind=compound_interest&state=queued")).json() == {"count": 5, "exact": True}
        assert (await h.get("/tasks/count?state=queued")).json()["count"] == 6
        assert (await h.get("/tasks/count")).json()["count"] == 7
        asked = {"action": "cancel", "filter": {"kind": "compound_interest"}, "expect_count": 5}
        problem(await h.post(asked, "/tasks/bulk"), 409, "count_changed")
        done = (await h.post(asked | {"expect_count": 6}, "/tasks/bulk")).json()
        assert (done["matched"], done["done"]) == (6, 6)
        assert h.store.do(verbs.counts())["cancelled"] == 6
        assert (await h.get(f"/tasks/{kept}")).json()["state"] == "queued"
        back = {"action": "retry", "filter": {"state": "cancelled"}, "expect_count": 6}
        assert (await h.post(back, "/tasks/bulk")).json()["done"] == 6

    house.tell(story)


def test_a_filter_that_makes_no_sense_is_refused(house: House) -> None:
    async def story(h: House) -> None:
        for filter in ({"state": "failed"}, {"state": "queue"}, {"owners": "x"}):
            asked = {"action": "cancel", "filter": filter, "expect_count": 0}
            problem(await h.post(asked, "/tasks/bulk"), 422, "invalid_request")
        problem(
            await h.post({"action": "purge", "filter": {}, "expect_count": 0}, "/tasks/bulk"), 422, "invalid_request"
        )
        asked = {"action": "cancel", "filter": {"kind": "var_mx"}, "expect_count": 0}
        said = problem(await h.post(asked, "/tasks/bulk"), 422, "invalid_request")
        assert said["did_you_mean"] == "var_mc"
        problem(await h.get("/tasks/count?kind=var_mx"), 422, "invalid_query")
        problem(await h.get("/tasks/count?batch=x"), 422, "invalid_query")

    house.tell(story)


def test_dead_letters_are_purged_if_there_are_just_so_many(house: House) -> None:
    async def story(h: House) -> None:
        await failed(h, 60, "child_died", "Child died.")
        problem(await h.post({"expect_count": 59}, "/dead-letters/purge"), 409, "count_changed")
        assert (await h.post({"expect_count": 60}, "/dead-letters/purge")).json() == {"removed": 60}
        assert (await h.get("/dead-letters")).json()["letters"] == []
        assert len((await h.get("/tasks?state=failed&limit=200")).json()["tasks"]) == 60, "their tasks stay"

    house.tell(story)


def test_other_owners_tasks_are_neither_grouped_nor_touched(server: Server) -> None:
    async def story(h: House) -> None:
        mine, theirs = (bearer(h, owner) for owner in ("desk-1", "desk-2"))
        for headers in (mine, theirs, theirs):
            assert (await h.client.post("/tasks", json=SEED, headers=headers)).status_code == 202
            h.fail("time_limit", "Too long.")
        (group,) = (await h.client.get("/failures", headers=mine)).json()["groups"]
        assert group["count"] == 1
        asked = {"signature": group["signature"], "expect_count": 1}
        assert (await h.client.post("/failures/retry", json=asked, headers=mine)).json()["done"] == 1
        (group,) = (await h.client.get("/failures", headers=theirs)).json()["groups"]
        assert group["count"] == 2
        await h.client.post("/tasks", json=SEED, headers=theirs)
        everything = {"action": "cancel", "filter": {}, "expect_count": 1}
        assert (await h.client.post("/tasks/bulk", json=everything, headers=mine)).json()["done"] == 1
        assert h.store.do(verbs.counts("desk-2"))["queued"] == 1
        problem(await h.client.post("/dead-letters/purge", json={"expect_count": 3}, headers=mine), 403, "forbidden")

    def bearer(h: House, owner: str) -> dict[str, str]:
        text, kept = apikeys.make("submitter", owner)
        assert h.store.do(verbs.keep_apikey(kept))
        return {"Authorization": f"Bearer {text}"}

    House(server, admin_key=ADMIN).tell(story)


OPTION = {"type": "call", "spot": 100, "strike": 105, "maturity": 1, "rate": 0.03, "volatility": 0.2}
