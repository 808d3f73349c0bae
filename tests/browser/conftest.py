"""One browser and some products for all tests of this room: one that is empty, one with a task, one with very many."""

import faulthandler
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest import faulthandler as watch
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import fill, look, stage
from tests.browser.stage import Product
from tests.servers import Server, binaries

# Never a browser that is downloaded, nor one that speaks to its maker.
ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
expect.set_options(timeout=look.TIMEOUT_MS)


def chromium() -> str:
    """The system's Chromium; HEADRACE_CHROMIUM names another one."""
    found = os.environ.get("HEADRACE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        raise RuntimeError(
            "The dashboard's tests need Chromium: apt-get install chromium, or HEADRACE_CHROMIUM=/its/path"
        )
    return found


# Of this package, not of the session: its event loop must not run in the tests of other rooms.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of all tests here."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def faults() -> look.Faults:
    """What goes wrong on a page."""
    return look.Faults()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that is watched: see look.py."""
    with look.opened(browser) as page:
        yield page


@pytest.fixture(scope="package")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A store of this room alone."""
    server = Server(tmp_path_factory.mktemp("store"), binaries()["valkey"]).start()
    yield server
    server.kill()


@pytest.fixture(scope="package")
def product(room: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A gateway and a consumer with two children, for whoever computes something."""
    with stage.product(room, tmp_path_factory.mktemp("product"), ["desk"]) as product:
        yield product


@pytest.fixture(scope="package")
def empty(room: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Nothing was ever submitted, and nobody would compute it."""
    with stage.product(room, tmp_path_factory.mktemp("empty")) as product:
        yield product


@pytest.fixture(scope="package")
def one(room: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One task, which waits for a consumer."""
    with stage.product(room, tmp_path_factory.mktemp("one")) as product:
        product.submit("compound_interest", {"amount": 10000, "rate": 0.05})
        yield product


@pytest.fixture(scope="package")
def many(room: Server, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Product]:
    """A hundred thousand tasks that have ended, some hundreds that have not, failures, dead letters, batches."""
    with stage.product(room, tmp_path_factory.mktemp("many")) as product:
        fill.many(product, lambda: watched(request.config))
        yield product


def watched(config: pytest.Config) -> None:
    """Begin pytest's watch over the running test anew: it is for tests that hang, not for a fill that goes on."""
    if seconds := watch.get_timeout_config_value(config):
        leave = watch.get_exit_on_timeout_config_value(config)
        faulthandler.dump_traceback_later(seconds, file=config.stash[watch.fault_handler_stderr_fd_key], exit=leave)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test keeps what it saves."""
    return tmp_path
