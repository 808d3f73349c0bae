"""What changed, and when: starts of consumers and gateways, those of one deployment together, as marks of a picture."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from gateway.answers import time_text
from pipeline.views import Start

APART_MS = 60_000  # starts that are nearer to each other belong together
MOST = 200  # marks that are told, the last ones
ORDER = ("gateway", "consumer")


class Mark(Struct, frozen=True):
    """Processes that began together: how many of each service, the versions that they run, those that ran before, and
    all of it in one sentence."""

    at: str
    until: str
    started: dict[str, int]
    versions: list[str]
    before: list[str]
    text: str


class MarkList(Struct, frozen=True):
    """Marks since a time, the oldest first."""

    since: str
    until: str
    marks: list[Mark]


def marks(starts: Iterable[Start], since_ms: int, now_ms: int) -> MarkList:
    """The starts of a time, joined. What is known of earlier ones says what ran before."""
    groups: list[list[Start]] = []
    for start in sorted(starts, key=lambda start: start.at):
        if groups and start.at - groups[-1][-1].at <= APART_MS:
            groups[-1].append(start)
        else:
            groups.append([start])
    running: dict[str, set[str]] = {}  # service → versions of its last starts
    found = []
    for group in groups:
        mark = _mark(group, running)
        for service in {start.service for start in group}:
            running[service] = {start.version for start in group if start.service == service}
        if group[-1].at >= since_ms:
            found.append(mark)
    return MarkList(time_text(since_ms), time_text(now_ms), found[-MOST:])


def _mark(group: list[Start], running: dict[str, set[str]]) -> Mark:
    counted = Counter(start.service for start in group)
    started = {service: counted[service] for service in ORDER if counted[service]}
    versions = sorted({start.version for start in group})
    before = sorted({version for service in started for version in running.get(service, ())})
    what = " and ".join(f"{n} {service}{'' if n == 1 else 's'}" for service, n in started.items())
    return Mark(
        time_text(group[0].at),
        time_text(group[-1].at),
        started,
        versions,
        before,
        f"{what} started, {_change(versions, before)}",
    )


def _change(versions: list[str], before: list[str]) -> str:
    now = " and ".join(versions)
    if not before:
        return f"version {now}"
    return f"version {now} as before" if versions == before else f"version {' and '.join(before)} → {now}"
