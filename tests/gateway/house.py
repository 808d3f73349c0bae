"""A gateway in this process, a client to ask it, and a hand that plays the consumer."""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable

import httpx
from httpx import Response
from msgspec import structs

from gateway import app as application
from gateway.desk import Desk
from pipeline import verbs
from pipeline.keys import PRIORITIES
from pipeline.record import Done, Job
from pipeline.store import Store
from tests.gateway import documented
from tests.servers import Server

SHARE = 256
SEED = {"data": {"amount": 10000, "rate": 0.05}}  # the body that must work for ever
RESULT = b'{"total":10511.62,"exact":10511.618978817331893}'
_prefixes = (f"{{t{os.getpid()}-{n}}}" for n in itertools.count())

LIMIT_S = 60.0  # for what comes within a moment on a quiet machine

Story = Callable[["House"], Awaitable[None]]


class House:
    """One gateway over a store with a prefix of its own."""

    def __init__(self, server: Server, **changes: object) -> None:
        self.server = server
        self.settings = structs.replace(server.settings(prefix=next(_prefixes)), **changes)
        self.store = Store(self.settings, "test")
        self.store.do(verbs.ready())
        self.client: httpx.AsyncClient
        self.desk: Desk

    def tell(self, story: Story) -> None:
        """Open the gateway, run the story, close it."""
        asyncio.run(self._tell(story))
        self.store.close()

    async def _tell(self, story: Story) -> None:
        app = application.create(self.settings)
        self.desk = app.state.desk
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            hooks = {"response": [_documented]}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://gateway", event_hooks=hooks
            ) as self.client:
                await story(self)

    # ── the client ──

    async def get(self, path: str, **headers: str) -> Response:
        """GET; header names with _ for -."""
        return await self.client.get(path, headers=named(headers))

    async def post(self, body: object = SEED, path: str = "/tasks", **headers: str) -> Response:
        """POST JSON, or bytes as they are."""
        if isinstance(body, bytes):
            sent = {"content-type": "application/json"} | named(headers)
            return await self.client.post(path, content=body, headers=sent)
        return await self.client.post(path, json=body, headers=named(headers))

    async def submitted(self, body: object = SEED, **headers: str) -> str:
        """The id of a task that was accepted."""
        answer = await self.post(body, **headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    @property
    def waits(self) -> int:
        """How many requests wait here for the end of a task."""
        return sum(len(watches) for watches in self.desk.tail._watches.values())

    async def until_waits(self, count: int) -> None:
        """Until so many requests wait; those that submit have submitted then."""
        await until(lambda: self.waits == count)

    # ── the consumer ──

    def take(self, count: int = 1) -> list[Job]:
        """Take jobs as a consumer does."""
        return self.store.do(verbs.take("hand", count, PRIORITIES, [], 3, SHARE, 86_400_000)).jobs

    def finish(self, count: int = 1, result: bytes = RESULT) -> list[str]:
        """Take tasks of one part and end them; their ids."""
        jobs = self.take(count)
        self.finish_held(*jobs, result=result)
        return [job.task for job in jobs]

    def finish_held(self, *jobs: Job, result: bytes = RESULT) -> None:
        """End tasks of one part whose jobs were taken."""
        kept = self.store.do(verbs.finish_task([Done(job, result, 0, 1.5) for job in jobs], "hand", SHARE))
        assert all(kept)

    def fail(self, code: str = "child_died", message: str = "Child died: exit code 7.") -> str:
        """Take one task and fail it; its id."""
        (job,) = self.take()
        error = {"code": code, "message": message, "traceback": "secret"}
        assert self.store.do(verbs.fail(job, error, True, "hand", 0, 1.5, SHARE))
        return job.task


async def until(true: Callable[[], object]) -> None:
    """Until it is true; the gateway goes on meanwhile."""
    async with asyncio.timeout(LIMIT_S):
        while not true():
            await asyncio.sleep(0.01)


async def _documented(answer: Response) -> None:
    """Every answer of every test is one that the OpenAPI document promises."""
    documented.check(answer)


def named(headers: dict[str, str]) -> dict[str, str]:
    """`idempotency_key` → `idempotency-key`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def problem(answer: Response, status: int, code: str) -> dict[str, object]:
    """The body of an error, checked to be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert str(body["type"]).startswith("/docs/errors#")
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body
