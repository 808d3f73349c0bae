"""A hand writes anything into any field of a record: whoever asks for it gets an answer, and the others theirs."""

import pytest
from httpx import Response

from pipeline import verbs
from pipeline.record import Beat
from tests.gateway.house import SEED, House

OF_A_TASK = (
    *("state", "kind", "owner", "priority", "parts", "done", "attempts", "interruptions", "label", "batch", "consumer"),
    *(
        "submitted_at",
        "started_at",
        "finished_at",
        "result_ttl_s",
        "not_before",
        "stop",
        "request_id",
        "sha256",
        "seed",
    ),
    *("versions", "custom_id", "metadata", "rerun_of", "rerun_sha256", "estimated", "estimate", "error", "webhook"),
    *("p0", "data", "cancel_reason"),
)
OF_A_CONSUMER = (
    *("host", "pid", "version", "started_at", "beat_at", "children"),
    *("child:0", "figures", "draining", "skew_ms", "kinds"),
)
CHILDREN = (
    *("7", "[]", "{}", '{"pid":"x"}', '{"pid":1,"cpu_s":[]}', '{"pid":1,"task":"x"}', '{"pid":1,"since":"x"}'),
    '{"pid":1,"task":"x","job":"p0","kind":"noop","since":1e30}',
)
TALLIES = ('{"jobs":[1]}', '{"jobs":[["a"]]}', '{"paths":7}', '{"paths":{"a":"b"}}', '{"ended":[]}', '{"absences":"x"}')
OF_A_BATCH = ("owner", "label", "created_at", "lines", "accepted", "rejected", "webhook", "sealed", "told")
WRITTEN = (
    *("", "x", "-1", "0", "1e400", "nan", "9" * 23, b"\xff\xfe", "[]", "{}", "7", "null"),
    *('{"kind":"x"}', '[{"a":1}]', '{"code":1,"message":null}', '{"a":{"b":1}}', '{"estimate":"x"}'),
)


def sound(answer: Response) -> None:
    """An answer of ours, not a fault of ours."""
    assert answer.status_code < 500, answer.text
    answer.json()


@pytest.mark.parametrize("field", OF_A_TASK)
def test_whatever_stands_in_a_task_it_is_answered(house: House, field: str) -> None:
    async def story(h: House) -> None:
        h.client.event_hooks = {}  # a cancelled task whose state is none is told to be asked again, which none else is
        ids = [await h.submitted() for _ in range(2 * len(WRITTEN))]
        h.finish(len(WRITTEN))
        beside = await h.submitted()
        with h.server.client() as hands:
            for at, id in enumerate(ids):
                hands.hset(h.store.keys("task", id), field, WRITTEN[at % len(WRITTEN)])
        for path in ("/tasks", "/tasks?limit=200&data.amount=1", "/tasks/count", "/failures", "/queues"):
            sound(await h.get(path))
        for id in ids:
            for path in ("", "/result", "/curve"):
                sound(await h.get(f"/tasks/{id}{path}"))
            for deed in ("cancel", "retry", "rerun"):
                sound(await h.post(b"", f"/tasks/{id}/{deed}"))
        assert (await h.get(f"/tasks/{beside}")).json()["state"] == "queued"

    house.tell(story)


@pytest.mark.parametrize("field", OF_A_BATCH)
def test_whatever_stands_in_a_batch_it_is_answered(house: House, field: str) -> None:
    async def story(h: House) -> None:
        ids = [(await h.post([SEED], "/tasks/batch")).json()["batch_id"] for _ in WRITTEN]
        with h.server.client() as hands:
            for id, written in zip(ids, WRITTEN, strict=True):
                hands.hset(h.store.keys("batch", id), field, written)
        sound(await h.get("/batches"))
        for id in ids:
            sound(await h.get(f"/batches/{id}"))
            assert (await h.get(f"/batches/{id}/results")).status_code < 500
            sound(await h.post(b"", f"/batches/{id}/cancel"))

    house.tell(story)


@pytest.mark.parametrize("field", OF_A_CONSUMER)
def test_whatever_stands_in_a_heartbeat_the_others_are_told(house: House, field: str) -> None:
    async def story(h: House) -> None:
        id, now_ms = await h.submitted(), h.store.do(verbs.clock())
        with h.server.client() as hands:
            for written in WRITTEN + CHILDREN + TALLIES:
                for name in ("bad", "good"):
                    about = {"name": name, "started_at": now_ms, "beat_at": now_ms}
                    h.store.do(verbs.beat(Beat(host="h", pid=9, version="7", children=[{"pid": 1}], **about)))
                hands.hset(h.store.keys("consumer", "bad"), field, written)
                workers = (await h.get("/workers")).json()
                assert "good" in [each["name"] for each in workers["workers"]], written
                for path in ("/dashboard/frame", "/queues", f"/tasks/{id}", "/starts"):
                    sound(await h.get(path))
                assert (await h.get("/metrics")).status_code == 200, written

    house.tell(story)
