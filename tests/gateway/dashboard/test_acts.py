"""What people did, for those who may see it: who, what, when, and how far the audit has it."""

import re
from pathlib import Path

from gateway.dashboard.acts import SAYS, told
from pipeline import script, trail
from pipeline.apikeys import EVERYONE
from pipeline.trail import Action, Head, Place
from tests.gateway.house import House, problem
from tests.gateway.test_access import ADMIN, bearer, key
from tests.servers import Server


def test_the_last_acts_come_first_with_who_did_them(server: Server) -> None:
    async def story(h: House) -> None:
        headers = bearer(ADMIN)
        operator = bearer(key(h, "operator", EVERYONE))
        id = (await h.client.post("/tasks", json={"data": {"amount": 1, "rate": 0}}, headers=headers)).json()["task_id"]
        why = {"reason": "month's end"}
        asked = await h.client.post("/queues/low/pause", json=why, headers=operator)
        await h.client.post("/queues/low/resume", headers=operator)
        await h.client.post(f"/tasks/{id}/cancel", json={"reason": "wrong book"}, headers=headers)
        await h.client.delete(f"/tasks/{id}", headers=headers)
        answer = await h.client.get("/audit", headers=headers)
        acts = answer.json()["acts"]
        assert [each["text"] for each in acts[:4]] == [
            f"removed the record of task {id}, which had been cancelled",
            f"cancelled task {id} of local, which was queued: wrong book",
            "resumed priority low",
            "paused priority low: month's end",
        ]
        assert acts[4]["text"].startswith("made API key "), acts[4]
        assert acts[4]["text"].endswith(": operator, all owners")
        assert [each["by"] == acts[0]["by"] for each in acts[:4]] == [True, True, False, False]
        assert acts[3]["request_id"] == asked.headers["x-request-id"]
        assert "record" not in acts[0]["about"], "what was in it is the audit's"
        assert answer.json()["chain"] is None, "nobody writes an audit here"
        fewer = (await h.client.get("/audit?limit=2", headers=headers)).json()["acts"]
        assert fewer == acts[:2]

    House(server, admin_key=ADMIN).tell(story)


def test_how_far_the_chain_reaches(house: House) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        h.finish()
        newest = h.store.do(trail.read(Place())).newest
        h.store.do(trail.anchor(Head(7, "ab" * 32, Place(f"{int(newest.split('-')[0]) - 1500}-0/0", "0-0"))))
        chain = (await h.get("/audit")).json()["chain"]
        assert (chain["lines"], chain["sha256"], chain["behind_ms"]) == (7, "ab" * 32, 1500)

    house.tell(story)


def test_it_is_for_admins_who_see_all_owners(server: Server) -> None:
    async def story(h: House) -> None:
        for role in ("viewer", "submitter", "operator"):
            problem(await h.client.get("/audit", headers=bearer(key(h, role, EVERYONE))), 403, "forbidden")  # type: ignore[arg-type]
        told = problem(await h.client.get("/audit", headers=bearer(key(h, "admin", "desk-1"))), 403, "forbidden")
        assert "desk-1" in str(told["detail"])

    House(server, admin_key=ADMIN).tell(story)


def test_every_act_that_a_script_writes_has_its_sentence() -> None:
    sources = "".join(path.read_text() for path in Path(script.FOLDER).glob("*.lua"))
    assert set(re.findall(r"acted\('([\w.]+)'", sources)) == set(SAYS)


def test_what_a_hand_wrote_is_told_as_it_stands() -> None:
    assert told(Action("1-0", {"action": "queue.pause"})).text == "paused priority ?"
    assert told(Action("1-0", {"action": "made.up", "by": "x"})).text == "made.up"
    assert told(Action("1-0", {})).text == "?"
    assert told(Action("1-0", {"action": "{0.__class__}"})).text == "{0.__class__}"
