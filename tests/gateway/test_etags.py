"""What a client has already is not sent again; and what has changed is."""

import pytest

from gateway import etags
from tests.gateway.house import RESULT, SEED, House


def test_a_task_is_told_again_only_when_it_has_changed(house: House) -> None:
    """Queued, running and ended have three tags; how long it has waited makes none."""

    async def story(h: House) -> None:
        path = f"/tasks/{await h.submitted()}"
        first = await h.get(path)
        tag = first.headers["etag"]
        assert tag.startswith('W/"')
        assert first.headers["cache-control"] == "private, no-cache"
        again = await h.get(path, if_none_match=tag)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["retry-after"] == "1"
        (job,) = h.take()
        running = await h.get(path, if_none_match=tag)
        assert (running.status_code, running.json()["state"]) == (200, "running")
        assert (await h.get(path, if_none_match=f'"x", {running.headers["etag"]}')).status_code == 304
        h.finish_held(job)
        ended = await h.get(path, if_none_match=running.headers["etag"])
        assert (ended.status_code, ended.json()["state"]) == (200, "succeeded")
        last = await h.get(path, if_none_match=ended.headers["etag"])
        assert (last.status_code, "retry-after" in last.headers) == (304, False)
        assert len({tag, running.headers["etag"], ended.headers["etag"]}) == 3

    house.tell(story)


def test_a_result_may_be_kept(house: House) -> None:
    """As long as the task is; by this caller alone."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED | {"result_ttl_s": 100})
        path = f"/tasks/{id}/result"
        waiting = await h.get(path)
        assert (waiting.status_code, "etag" in waiting.headers) == (202, False)
        h.finish()
        told = await h.get(path)
        assert (told.content, told.headers["etag"]) == (RESULT, f'"{id}"')
        private, age, immutable = told.headers["cache-control"].split(", ")
        assert (private, immutable) == ("private", "immutable")
        assert 90 <= int(age.removeprefix("max-age=")) <= 100
        assert told.headers["vary"] == "Accept, Authorization, X-API-Key"
        assert (await h.get(path, if_none_match=told.headers["etag"])).status_code == 304
        assert (await h.get(path, if_none_match="*")).status_code == 304
        assert (await h.get(path, if_none_match='"another"')).status_code == 200

    house.tell(story)


def test_the_hash_of_a_long_result_is_taken_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a result of megabytes it costs milliseconds, and a result never changes."""
    long = b'{"text":"' + b"x" * etags.LONG + b'"}'
    monkeypatch.setattr(etags, "_long_results", known := dict[str, str]())
    monkeypatch.setattr(etags, "MOST_KNOWN", 2)

    async def story(h: House) -> None:
        ids = [await h.submitted() for _ in range(3)]
        for _ in ids:
            h.finish(result=long)
        told = [(await h.get(f"/tasks/{id}")).json()["result_sha256"] for id in ids]
        assert len(set(told)) == 1
        assert list(known) == ids[1:], "the oldest goes"
        known[ids[2]] = "kept"
        assert (await h.get(f"/tasks/{ids[2]}")).json()["result_sha256"] == "kept"
        await h.submitted()
        (short,) = h.finish()
        await h.get(f"/tasks/{short}")
        assert short not in known

    house.tell(story)
