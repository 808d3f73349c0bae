"""A page that is watched: nothing in its console, nothing refused by its policy, no request to another host."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

ROOT = Path(__file__).parents[2]
AXE = Path(__file__).parent / "axe" / "axe.min.js"
SCREENS = ("now", "tasks", "workers", "queues", "failures", "dead-letters", "batches", "try", "system")
TIMEOUT_MS = 60_000
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Faults:
    """What went wrong on a page. `gone`: requests that fail, as they do while a test keeps something away."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.gone = False

    def watch(self, page: Page) -> None:
        """From now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}\n{error.stack}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium writes a line for each request that failed; what the page writes or its policy refuses always counts.
        if message.type in ("error", "warning") and not (self.gone and "Failed to load resource" in message.text):
            self.seen.append(f"console: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1":
            self.seen.append(f"request to {request.url}")


@contextmanager
def opened(browser: Browser, faults: Faults | None = None, **options: Any) -> Iterator[Page]:
    """A page of a context of its own, whose faults fail the test at its end."""
    found = faults or Faults()
    context = browser.new_context(**({"viewport": WIDE, "timezone_id": "UTC", "reduced_motion": "reduce"} | options))
    try:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        found.watch(page)
        yield page
    finally:
        context.close()
    assert not found.seen, "\n".join(found.seen)


def address(url: str, screen: str = "now", **params: str) -> str:
    """The address of a screen."""
    said = "&".join(f"{name}={value}" for name, value in {"screen": screen, **params}.items())
    return f"{url}/dashboard/?{said}"


def settled(page: Page) -> None:
    """Wait until the screen is drawn, has its data, and its pictures."""
    page.locator(".pill.live, .pill.paused").wait_for()
    page.wait_for_function("() => document.querySelector('main h1') !== null && !document.querySelector('main .dim')")
    page.wait_for_load_state("load")


@cache
def _axe() -> str:
    return AXE.read_text()


def axe(page: Page, *rules: str) -> list[str]:
    """The faults of accessibility that axe finds: rule, what it is, where. Of a long list four rows stand for all."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(_axe())
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    context = {"include": ["html"], "exclude": ["tbody tr:nth-child(n+5)", "g[data-state]:nth-child(n+5)"]}
    found = page.evaluate("([context, options]) => window.axe.run(context, options)", [context, options])
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def number(text: str) -> int:
    """A count as the page writes it."""
    return int("".join(sign for sign in text if sign.isdigit()))


def value_of(page: Page, label: str) -> Locator:
    """The figure of a card."""
    return page.get_by_role("region", name=label, exact=True).locator(".value b")


def eventually(page: Page, what: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until it is so, letting the page live meanwhile."""
    left = within_s
    while not what():
        if left <= 0:
            raise TimeoutError(f"not within {within_s} s")
        page.wait_for_timeout(100)
        left -= 0.1
