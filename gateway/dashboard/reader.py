"""One reader a gateway for all tabs: it asks the store once a second while anybody listens, and not at all else.

    store ──once a second──▶ Reader ──▶ frame, encoded once for each owner ──▶ every tab

A tab holds no more than the newest frame: one that reads slowly misses some, and no frames pile up for it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import msgspec
from msgspec import Struct

from gateway import answers, fleet
from gateway.dashboard import bars, frame, series
from gateway.dashboard.followed import Followed
from gateway.dashboard.frame import Cost, Frame, Snapshot, Strength
from gateway.dashboard.known import Known
from gateway.dashboard.pace import Pace
from gateway.dashboard.series import Minute, Minutes
from gateway.desk import Desk
from gateway.problems import Problem
from pipeline import log, verbs, views
from pipeline.errors import StoreAway
from pipeline.record import Beat, Queue, State, Task
from pipeline.views import Span

LOG = log.get()
EVERY_S = 1.0
FRESH_MS = 2_500  # so long what was read for the tabs is now
MOST_TABS = 256
SERIES_MINUTES = 15
RECENT_MINUTES = 5  # of waits, runs and errors
COST_S = 10.0
VISIT_S = 5.0  # so long it is read on for somebody who asks now and then
PATIENCE_S = 3.0
TRAIL = 5  # seconds of spans that such a one is told
APART = 60  # jobs of a frame that stand apart; of more the nearest share a bar, as they would be drawn
NARROW_MS = 15_000  # the shortest stretch that a picture shows
_encode = msgspec.json.Encoder().encode


class Look(Struct, frozen=True):
    """What one second's reading found, before it is cut for anybody. By owner ("" for all): states and running."""

    now_ms: int
    states: dict[str, dict[State, int]]
    running: dict[str, list[Task]]
    queues: list[Queue]
    beats: list[Beat]
    minutes: dict[int, Minute]
    retrying: int
    spans: list[Span]
    spans_left_out: bool
    owners: fleet.Owners


class Tab:
    """One stream. `scope` is the owner whose things it shows, "" for all."""

    def __init__(self, scope: str, task: str) -> None:
        self.scope, self.task = scope, task
        self.news = asyncio.Event()


class Reader:
    """Reads while there are tabs; `frames` has the newest frame of each scope, encoded."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tabs: set[Tab] = set()
        self._reading: asyncio.Task[None] | None = None
        self._pace = Pace()
        self._look: Look | None = None
        self._seen_to = ""  # the newest entry of the spans that was looked at
        self._away_since: int | None = None
        self._sent: deque[tuple[float, int]] = deque()  # when, and how many commands
        self._visits: dict[tuple[str, str], tuple[Tab, asyncio.TimerHandle]] = {}
        self._trail: deque[list[Span]] = deque(maxlen=TRAIL)
        self.number = 0
        self.minutes = Minutes(desk.store)
        self.frames: dict[str, bytes] = {}
        self.known = Known()
        self.followed = Followed(desk, self._count)
        desk.leaving.append(self._wake)

    def refuse_when_full(self) -> None:
        """Raise a Problem when there are as many tabs as may be."""
        if len(self._tabs) >= MOST_TABS:
            raise Problem("tabs_full", f"{MOST_TABS} tabs listen at this gateway, as many as may.")

    @property
    def reading(self) -> bool:
        """Whether the store is being asked."""
        return self._reading is not None and not self._reading.done()

    @contextmanager
    def tab(self, scope: str, task: str) -> Iterator[Tab]:
        """Listen for the length of a block."""
        tab = Tab(scope, task)
        self._tabs.add(tab)
        self._begin()
        try:
            yield tab
        finally:
            self._tabs.discard(tab)

    def _begin(self) -> None:
        if not self.reading:
            self._pace, self._seen_to, self._look = Pace(), "", None
            self.frames = {}  # what was read last may be long ago
            self._trail.clear()
            self._reading = asyncio.create_task(self._read())

    async def close(self) -> None:
        """End the reading."""
        for _, leaving in self._visits.values():
            leaving.cancel()
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def cost(self) -> Cost:
        """What it costs now."""
        since = monotonic() - COST_S
        while self._sent and self._sent[0][0] < since:
            self._sent.popleft()
        return Cost(len(self._tabs), round(sum(n for _, n in self._sent) / COST_S, 1))

    def snapshot(self, scope: str, spans: list[Span] | None = None) -> bytes | None:
        """The whole of now for a tab that has just come, with some other spans than those of this second; None while
        nothing was read yet."""
        look = self._look
        if look is None or scope not in look.states or look.now_ms == 0:
            return None
        whole = self._frame(look if spans is None else msgspec.structs.replace(look, spans=spans), scope)
        told = series.series(self.minutes.kept(SERIES_MINUTES, look.minutes, look.now_ms), SERIES_MINUTES, look.now_ms)
        fields = {name: getattr(whole, name) for name in Frame.__struct_fields__}
        return _encode(Snapshot(**fields, series=told))

    async def visit(self, scope: str, task: str) -> tuple[bytes, bytes]:
        """For somebody whom no stream reaches, who asks every few seconds: a snapshot with the spans of the last ones,
        and the followed task (`null` for none, and while it is not known). It is read on for a while: whoever comes
        again then costs the store nothing more than a tab does. Raises a Problem when nothing is known in time."""
        tab = self._visitor(scope, task)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (scope in self.frames and (not task or self.followed.news(task)[0])):
                    tab.news.clear()
                    await tab.news.wait()
        except TimeoutError:
            if scope not in self.frames:
                raise Problem("store_unavailable", "The store has not answered yet.") from None
        spans = [span for some in self._trail for span in some]
        whole = self.snapshot(scope, spans) or self.frames[scope]
        return whole, self.followed.news(task)[1] or b"null"

    def _visitor(self, scope: str, task: str) -> Tab:
        key = (scope, task)
        if key in self._visits:
            tab, leaving = self._visits[key]
            leaving.cancel()
        else:
            self.refuse_when_full()
            tab = Tab(scope, task)
            self._tabs.add(tab)
            self._begin()
        self._visits[key] = (tab, asyncio.get_running_loop().call_later(VISIT_S, self._leave, key))
        return tab

    def _leave(self, key: tuple[str, str]) -> None:
        self._tabs.discard(self._visits.pop(key)[0])

    async def recent(self, count: int, now_ms: int) -> dict[int, Minute]:
        """The last `count` minutes; while tabs listen those that are known already cost the store nothing."""
        look = self._look
        if look and look.now_ms > now_ms - FRESH_MS and self.minutes.all_known(count, look.now_ms):
            return self.minutes.kept(count, look.minutes, now_ms)
        return await self.minutes.last(count, now_ms)

    # ── reading ──

    async def _read(self) -> None:
        while self._tabs and not self._desk.draining:
            begun = monotonic()
            try:
                await self._second()
            except Exception:  # one thing that cannot be read must not end the showing of all others
                LOG.exception("dashboard.unreadable")
            self._wake()
            await asyncio.sleep(max(0.05, begun + EVERY_S - monotonic()))
        self._wake()

    async def _second(self) -> None:
        try:
            self._look = await self._ask()
            self._away_since = None
            self._trail.append(self._look.spans)
        except StoreAway:
            self._away_since = self._away_since or self._desk.now_ms()
        self._tell()
        await self.followed.look({tab.task for tab in self._tabs if tab.task})

    async def _ask(self) -> Look:
        """All of it in one write; two where the spans or tasks of others are to be told apart."""
        scopes = sorted({tab.scope for tab in self._tabs})
        now_ms = self._desk.now_ms()
        oldest = f"({self._seen_to}" if self._seen_to else str(now_ms - frame.RECENT_MS)
        do = self._desk.store.do
        self._count(5 + 2 * len(scopes))
        queues, beats, retrying, timeline, minutes, by_scope = await asyncio.gather(
            do(verbs.queues(), 0),
            do(verbs.fleet(), 0),
            do(views.retrying(), 0),
            do(views.timeline("+", oldest, frame.MOST_SPANS), 0),
            self.minutes.last(RECENT_MINUTES if self._look and self._look.now_ms else SERIES_MINUTES, now_ms, 0),
            asyncio.gather(*(self._of(scope) for scope in scopes)),
        )
        self._seen_to = timeline.newest or self._seen_to
        owners = {span.task: (span.owner, span.kind) for span in timeline.spans if span.owner}
        self.known.note(owners.items())
        if any(scopes):
            children = {str(child["task"]) for beat in beats for child in beat.children if "task" in child}
            theirs = await do(views.owners(sorted(children - set(owners))), 0)
            owners |= theirs
            self._count(1)
        self._desk.roll.note(beats, now_ms)
        self._pace.note(minutes, beats, now_ms)
        return Look(
            now_ms=now_ms,
            states={scope: states for scope, (states, _) in zip(scopes, by_scope, strict=True)},
            running={scope: running for scope, (_, running) in zip(scopes, by_scope, strict=True)},
            queues=queues,
            beats=beats,
            minutes=minutes,
            retrying=retrying,
            spans=timeline.spans,
            spans_left_out=bool(timeline.cursor),
            owners=owners,
        )

    async def _of(self, scope: str) -> tuple[dict[State, int], list[Task]]:
        """Of one owner's tasks, or of all: how many are in each state, and those that run for longest."""
        return await asyncio.gather(
            self._desk.store.do(verbs.counts(scope), 0), self._desk.store.do(views.running(scope, frame.RUNNING), 0)
        )

    def _count(self, commands: int) -> None:
        self._sent.append((monotonic(), commands))

    # ── telling ──

    def _wake(self) -> None:
        for tab in self._tabs:
            tab.news.set()

    def _tell(self) -> None:
        if self._look is None and self._away_since is not None:
            self._look = _nothing({tab.scope for tab in self._tabs})
        look = self._look
        self.number += 1
        if look:
            self.frames = {scope: _encode(self._frame(look, scope)) for scope in look.states}

    def _frame(self, look: Look, scope: str) -> Frame:
        now_ms, states = self._desk.now_ms(), look.states[scope]
        recent = [counted for minute, counted in look.minutes.items() if minute > now_ms // 60_000 - RECENT_MINUTES]
        failed, good = series.total(recent, "failed"), series.total(recent, "succeeded")
        children = [child for beat in look.beats for child in beat.children]
        pids = frame.pids(look.beats)
        away = None if self._away_since is None else answers.time_text(self._away_since)
        whole = Frame(
            at=answers.time_text(now_ms),
            store=Strength(away is None, away, round(self._desk.fullness, 4)),
            states={**{str(state): n for state, n in states.items()}, "retrying": look.retrying} if states else {},
            queues=[fleet.queue(each, look.now_ms) for each in look.queues],
            workers=fleet.workers(look.beats, look.now_ms),
            lost=[fleet.lost(each) for each in self._desk.roll.lost(look.now_ms)],
            rates=self._pace.rates(look.now_ms),
            wait_ms=series.times(recent, "waited"),
            run_ms=series.times(recent, "ran"),
            error_rate=round(failed / (failed + good), 6) if failed + good else None,
            failed_recently=failed,
            utilisation=self._pace.utilisation(),
            busy=sum("task" in child for child in children),
            processes=len(children),
            drain_s=self._pace.drain_s(states["queued"], look.now_ms) if states else None,
            running=frame.running(look.running[scope], look.now_ms),
            spans=[frame.bar(span, pids) for span in look.spans],
            spans_left_out=look.spans_left_out,
            versions=_versions(look.beats),
            cost=self.cost(),
        )
        told = frame.only_of(scope, whole, look.owners) if scope else whole
        spans, _ = bars.joined(told.spans, NARROW_MS, APART)
        return msgspec.structs.replace(told, spans=spans)


def _nothing(scopes: set[str]) -> Look:
    """What is known of a store that was away from the first second on."""
    return Look(
        now_ms=0,
        states={scope: {} for scope in scopes},
        running={scope: [] for scope in scopes},
        queues=[],
        beats=[],
        minutes={},
        retrying=0,
        spans=[],
        spans_left_out=False,
        owners={},
    )


def _versions(beats: list[Beat]) -> dict[str, list[str]]:
    """Of this gateway and of the consumers, the most frequent first."""
    counted = Counter(beat.version for beat in beats)
    return {"gateways": [log.VERSION], "consumers": [version for version, _ in counted.most_common()]}
