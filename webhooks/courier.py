"""The courier: claims deliveries that are due, tries each once, says what came of it.

    claim ──▶ tries, at most SLOTS at a time and SLOTS_OF_OWNER of an owner ──▶ outcome
      ▲                                                                            │
      └── each POLL_S, at once while there is more ◀───────────────────────────────┘

Whoever has the claim tries it, and nobody else. A courier that dies leaves it due again when its lease is over; the
receiver may then hear the same webhook-id twice, and never not at all.
"""

import asyncio
import random
from collections import Counter

from pipeline import log, webhooks
from pipeline.async_store import AsyncStore
from pipeline.errors import PipelineError, StoreAway
from pipeline.receiver import BadReceiver, parse
from pipeline.settings import LONGEST_PAUSE_S, Settings, webhook_networks, webhook_pauses_s
from pipeline.webhooks import Claim
from webhooks import signed
from webhooks.post import Answer, Poster

SLOTS, SLOTS_OF_OWNER = 64, 8  # a receiver that hangs holds up its own owner, and nobody else
POLL_S = 0.25
PUT_OFF_MS = 100  # of what is due while its owner's slots are taken; the more of it there is, the longer
LEASE_MARGIN_S = 10.0  # beyond the limit of a try: for the store to answer, and to be told
AWAY_S = 1.0  # between two questions to a store that is away
JITTER = 0.2  # a pause is longer by up to this part, so that what failed together does not come back together
NO_SECRET = "the owner has no secret to sign with"
GONE = 410  # the receiver wants no more of it


class Courier:
    """One a process."""

    def __init__(self, settings: Settings, poster: Poster | None = None) -> None:
        self._allowed, self._pauses = webhook_networks(settings), webhook_pauses_s(settings)
        self._poster = poster or Poster(self._allowed, settings.webhook_time_limit_s)
        self._store = AsyncStore(settings, "headrace-webhooks")
        self._lease_ms = int((settings.webhook_time_limit_s + LEASE_MARGIN_S) * 1000)
        self._grace_s = settings.grace_s
        self._under_way: dict[asyncio.Task[None], Claim] = {}
        self._stopping = False
        self._wake = asyncio.Event()  # a slot is free again, or it is time to stop
        self._log = log.get()

    def stop(self) -> None:
        """Claim no more; what is under way is finished, or handed back when the grace is over."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until `stop`."""
        away = False
        while not self._stopping:
            self._wake.clear()
            try:
                claimed = await self._claim()
                away = False
            except PipelineError as error:
                if not away:
                    self._log.warning("store.away", error=str(error))
                away, claimed = True, 0
            if not claimed:
                await self._rest(AWAY_S if away else POLL_S)
        await self._end()

    async def _claim(self) -> int:
        owners = Counter(claim.delivery.owner for claim in self._under_way.values())
        free = SLOTS - len(self._under_way)
        if not free:
            return 0
        claimed = await self._store.do(webhooks.claim(self._lease_ms, free, SLOTS_OF_OWNER, PUT_OFF_MS, owners))
        for claim in claimed:
            task = asyncio.create_task(self._try(claim))
            self._under_way[task] = claim
            task.add_done_callback(self._ended)
        return len(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task)
        self._wake.set()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _end(self) -> None:
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=self._grace_s)
            claims = [self._under_way[task] for task in late]
            for task in late:
                task.cancel()
            for claim in claims:
                await self._tell(claim, "not_tried", Answer(), 0.0)
        await self._store.close()

    # ── one delivery ──

    async def _try(self, claim: Claim) -> None:
        try:
            answer = await self._answer(claim)
        except Exception as wrong:  # noqa: BLE001 - one delivery that cannot be made must not end the courier
            self._log.exception("webhook.broke", task_id=claim.delivery.id)
            answer = Answer(error="a fault of ours", detail=str(wrong))
        attempts = claim.delivery.attempts
        if answer.good:
            await self._tell(claim, "delivered", answer, 0.0)
        elif answer.status == GONE or attempts > len(self._pauses):
            await self._tell(claim, "given_up", answer, 0.0)
        else:
            pause_s = max(self._pauses[max(attempts, 1) - 1], min(answer.retry_after_s, LONGEST_PAUSE_S))
            await self._tell(claim, "later", answer, pause_s * random.uniform(1.0, 1.0 + JITTER))

    async def _answer(self, claim: Claim) -> Answer:
        if not claim.secrets:
            return Answer(error=NO_SECRET)
        sent = signed.body(claim.delivery)
        return await self._poster.post(claim.delivery.url, signed.headers(claim, sent), sent)

    async def _tell(self, claim: Claim, what: webhooks.Outcome, answer: Answer, pause_s: float) -> None:
        delivery = claim.delivery
        told = {"task_id": delivery.id, "type": delivery.type, "owner": delivery.owner, "attempt": delivery.attempts}
        told |= {"receiver": self._receiver(delivery.url), "status": answer.status}
        call = webhooks.outcome(claim, what, answer.status, answer.error, int(pause_s * 1000))
        try:
            kept = await self._store.do(call, patience_s=LEASE_MARGIN_S / 2)
        except StoreAway as error:  # the lease brings it back
            self._log.warning("webhook.not_told", **told, outcome=what, error=str(error))
            return
        if not kept:
            self._log.warning("webhook.lost", **told, outcome=what)
        elif what == "delivered":
            self._log.info("webhook.delivered", **told)
        elif what == "later":
            reason = {"error": answer.error, "detail": answer.detail}
            self._log.info("webhook.failed", **told, **reason, pause_s=round(pause_s, 1))
        elif what == "given_up":
            self._log.warning("webhook.given_up", **told, error=answer.error, detail=answer.detail)

    def _receiver(self, url: str) -> str:
        """What a log may say of a URL: paths and queries may hold secrets."""
        try:
            return parse(url, self._allowed).authority
        except BadReceiver:
            return "?"
