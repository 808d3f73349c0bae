"""A network that delays and cuts between gateway and store: nothing is done twice, nobody gets another's answer."""

import asyncio
import gc
import random
from pathlib import Path

import httpx
import pytest

from pipeline.store import Store
from tests.gateway.house import SEED, House
from tests.gateway.process import running
from tests.proxy import Proxy
from tests.servers import Server

TASKS = 500
READS = 600


def test_a_lost_reply_submits_nothing_twice(server: Server) -> None:
    """B16: of one request in five the store's answer is lost on the way. Each submission is answered with its one id,
    or with a 503 whose repetition gives it; and there are exactly as many tasks as submissions."""

    async def story(h: House) -> None:
        async def submitted(number: int) -> str:
            for _ in range(100):
                answer = await h.post(SEED, idempotency_key=f"number-{number}")
                if answer.status_code == 202:
                    return str(answer.json()["task_id"])
                assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
            raise AssertionError("100 times 503")

        proxy.cut_before_reply(0.2, seed=16)
        ids: list[str] = []
        for first in range(0, TASKS, 10):  # a cut ends all that is under way: a few at a time, so that many are cut
            ids += await asyncio.gather(*(submitted(number) for number in range(first, first + 10)))
        lost = proxy.lost_replies
        proxy.heal()
        assert lost >= TASKS / 50
        assert len(set(ids)) == TASKS
        again = await asyncio.gather(*(submitted(number) for number in range(TASKS)))
        assert again == ids
        there = Store(server.settings(prefix=h.settings.prefix))
        assert there.raw("ZCARD", h.store.keys("index_kind", "compound_interest")) == TASKS
        there.close()

    with Proxy(server.port) as proxy:
        House(server, redis_url=proxy.url).tell(story)


# The client of this test leaves the socket of a request that was cut off while it connected to the collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_client_that_leaves_takes_nobody_elses_answer_away(house: House, server: Server, tmp_path: Path) -> None:
    """B25: the store is 200 ms away; of 600 reads of distinct tasks half are cut off by their clients after 50 to
    250 ms. Each answer that comes has the id that was asked for, then and afterwards."""
    dice = random.Random(25)

    async def story(h: House, url: str) -> None:
        ids = [await h.submitted() for _ in range(READS)]
        limits = httpx.Limits(max_connections=120, max_keepalive_connections=120)
        gate = asyncio.Semaphore(100)
        answered, cut = 0, 0

        async def read(id: str, patience_s: float) -> None:
            nonlocal answered, cut
            async with gate:
                try:
                    async with asyncio.timeout(patience_s):
                        answer = await client.get(f"/tasks/{id}")
                except TimeoutError:
                    cut += 1
                    return
            assert answer.status_code == 200, answer.text
            assert answer.json()["task_id"] == id
            answered += 1

        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
            await asyncio.gather(*(read(id, dice.uniform(0.05, 0.25) if n % 2 else 60) for n, id in enumerate(ids)))
            assert answered >= READS / 2
            assert cut >= READS / 10
            proxy.heal()
            await asyncio.gather(*(read(id, 60) for id in ids))
        assert answered >= READS * 1.5

    with (
        Proxy(server.port) as proxy,
        running(house, tmp_path / "gateway.jsonl", HEADRACE_REDIS_URL=proxy.url) as gateway,
    ):

        async def slowly(h: House) -> None:
            proxy.delay(0.1)  # each way
            await story(h, gateway.url)

        house.tell(slowly)
        assert [line for line in gateway.lines() if line["level"] == "error"] == []
    gc.collect()  # here, not in a test that comes later
