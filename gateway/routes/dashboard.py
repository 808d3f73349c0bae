"""The dashboard: its files, the one stream of a tab, and what its screens ask for beside the lists.

event: snapshot     all of now, and the last 15 minutes; once
event: frame        all of now, each second
event: task         the followed task, when it has changed
event: bye          the gateway stops: come again, to another
"""

import asyncio
import re
from collections.abc import AsyncIterator
from time import monotonic

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import answers, assets, queries, sse
from gateway.access import Caller
from gateway.dashboard import acts, bars, files, frame, series, starts, system
from gateway.dashboard.bars import SpanList
from gateway.dashboard.followed import Following
from gateway.dashboard.frame import Snapshot
from gateway.dashboard.reader import Reader
from gateway.desk import Desk
from gateway.found import found
from gateway.problems import Problem, nothing_at
from pipeline import views

LONGEST_MS = 24 * 3_600_000  # of a stretch of spans
LATEST_MS = 253_402_300_799_999  # the end of the year 9999: what comes later is no date
_MS = re.compile(r"[0-9]{1,15}")


async def home(_: Request) -> Response:
    """GET / and /dashboard: where the page is. A slash is at its end, so that its files' names are relative to it."""
    return RedirectResponse("/dashboard/", files.MOVED)


async def page(request: Request) -> Response:
    """GET /dashboard/{name}: the page, and what it is made of."""
    wanted = request.app.state.files.get(request.path_params["name"])
    if wanted is None:
        raise nothing_at(request)
    return assets.answer(request, wanted, files.HEADERS)


async def stream(request: Request) -> Response:
    """GET /dashboard/stream: what happens, as it happens; with `task` also what happens to that one."""
    desk: Desk = request.app.state.desk
    reader: Reader = request.app.state.reader
    id = await followed(request, desk)
    reader.refuse_when_full()
    return sse.answer(request, events(desk, reader, request.state.caller.scope, id))


async def followed(request: Request, desk: Desk) -> str:
    """The task that is followed, which is there and the caller's; "" for none. Raises a Problem."""
    id = queries.only(request, ("task",)).get("task")
    if id is None:
        return ""
    if not queries.TASK_ID.fullmatch(id):
        raise queries.wrong("task", id, "a task_id")
    await found(request, desk, id, 0)
    return id


class Visit(Struct, frozen=True):
    """What a stream would say: the newest snapshot, with the spans of the last five seconds, and the followed task."""

    frame: Snapshot
    task: Following | None


async def visit(request: Request) -> Response:
    """GET /dashboard/frame: what the stream says, for whoever it does not reach; to be asked every two seconds."""
    desk: Desk = request.app.state.desk
    reader: Reader = request.app.state.reader
    id = await followed(request, desk)
    whole, task = await reader.visit(request.state.caller.scope, id)
    told = b'{"frame":%s,"task":%s}' % (whole, task)
    return Response(told, headers={"Cache-Control": "no-store"}, media_type="application/json")


async def events(desk: Desk, reader: Reader, scope: str, id: str) -> AsyncIterator[bytes]:
    """What one tab is told, until it hangs up or the gateway stops."""
    shown = told = 0
    whole = False
    quiet_since = monotonic()
    with reader.tab(scope, id) as tab:
        yield sse.BEGIN
        while not desk.draining:
            news = list[bytes]()
            if not whole and (snapshot := reader.snapshot(scope)):
                whole, shown = True, reader.number
                news.append(sse.event(b"snapshot", snapshot))
            elif shown != reader.number and scope in reader.frames:
                shown = reader.number
                news.append(sse.event(b"frame", reader.frames[scope]))
            number, text = reader.followed.news(id)
            if number > told:
                told = number
                news.append(sse.event(b"task", text))
            if not news and monotonic() - quiet_since > sse.KEEP_ALIVE_S:
                news.append(sse.STILL_HERE)
            for each in news:
                quiet_since = monotonic()
                yield each
            await _until(tab.news, sse.KEEP_ALIVE_S)
    yield sse.event(b"bye", b"{}")


async def minutes(request: Request) -> Response:
    """GET /minutes: what happened in each minute, by kind."""
    desk: Desk = request.app.state.desk
    reader: Reader = request.app.state.reader
    sent = queries.only(request, ("since_ms",))
    now_ms = desk.now_ms()
    since_ms = moment(sent, "since_ms", now_ms - frame.SERIES_MS)
    count = min(series.MOST_MINUTES, max(1, now_ms // 60_000 - since_ms // 60_000 + 1))
    return answers.body(series.series(await reader.recent(count, now_ms), count, now_ms))


async def spans(request: Request) -> Response:
    """GET /spans: who computed what, when."""
    desk: Desk = request.app.state.desk
    sent = queries.only(request, ("since_ms", "until_ms", "limit"))
    until_ms = moment(sent, "until_ms", desk.now_ms())
    since_ms = moment(sent, "since_ms", max(0, until_ms - frame.RECENT_MS))
    if not since_ms <= until_ms <= since_ms + LONGEST_MS:
        raise queries.wrong("since_ms", str(since_ms), "at most 24 hours before until_ms")
    limit = queries.number(sent, "limit", bars.MOST_BARS, 1, bars.MOST_BARS)
    reader: Reader = request.app.state.reader
    found, from_ms = await bars.read(desk.store, reader.known, since_ms, until_ms, request.state.caller.scope)
    told, merged = bars.joined(found, until_ms - since_ms, limit)
    return answers.body(SpanList(told, merged, since_ms, until_ms, from_ms))


async def begun(request: Request) -> Response:
    """GET /starts: when consumers and gateways began, and with which versions."""
    desk: Desk = request.app.state.desk
    sent = queries.only(request, ("since_ms",))
    now_ms = desk.now_ms()
    since_ms = moment(sent, "since_ms", now_ms - frame.SERIES_MS)
    known = await desk.store.do(views.starts())
    return answers.body(starts.marks(known, since_ms, now_ms))


async def state(request: Request) -> Response:
    """GET /system: the store, the gateways, the consumers, the settings, and what the dashboard costs."""
    desk: Desk = request.app.state.desk
    reader: Reader = request.app.state.reader
    queries.only(request, ())
    return answers.body(await system.answer(desk, reader.cost()))


async def audit(request: Request) -> Response:
    """GET /audit: what people did, the last first, and how far the chain of the audit reaches."""
    desk: Desk = request.app.state.desk
    caller: Caller = request.state.caller
    sent = queries.only(request, ("limit",))
    if caller.scope:
        raise Problem("forbidden", f"The audit is of all owners; {caller.name} sees {caller.scope} alone.")
    return answers.body(await acts.answer(desk, queries.number(sent, "limit", 50, 1, acts.MOST)))


ROUTES = [
    Route("/dashboard/stream", stream, methods=["GET"]),
    Route("/dashboard/frame", visit, methods=["GET"]),
    Route("/", home, methods=["GET"]),
    Route("/dashboard", home, methods=["GET"]),
    Route("/dashboard/{name:path}", page, methods=["GET"]),
    Route("/minutes", minutes, methods=["GET"]),
    Route("/spans", spans, methods=["GET"]),
    Route("/starts", begun, methods=["GET"]),
    Route("/system", state, methods=["GET"]),
    Route("/audit", audit, methods=["GET"]),
]


def moment(sent: dict[str, str], name: str, default: int) -> int:
    """A time in ms since 1970."""
    value = sent.get(name)
    if value is None:
        return default
    if not _MS.fullmatch(value) or int(value) > LATEST_MS:
        raise queries.wrong(name, value, f"milliseconds since 1970, at most {LATEST_MS}")
    return int(value)


async def _until(news: asyncio.Event, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await news.wait()
    except TimeoutError:
        return
    news.clear()
