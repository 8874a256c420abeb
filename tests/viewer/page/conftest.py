"""The page in a real browser: Chromium as the machine has it, driven by Playwright. What a test
opens is watched: a script that fails and anything that the content policy refuses fails the test.

The browser is `OXITEL_BROWSER` or a Chromium on PATH (Debian's package `chromium`); where there is
none, tests that need it are skipped."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import page_telemetry

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.append(str(REPOSITORY / "examples"))

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1280, 800
# Milliseconds; the machine may be busy.
PATIENCE = 30_000
# A request that is refused on purpose says so in the console.
EXPECTED = ("Failed to load resource",)
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


# For a module: an event loop runs in this thread meanwhile, which other tests cannot have.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = os.environ.get("OXITEL_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no browser: install Debian's package chromium, or name one in OXITEL_BROWSER")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        # In a container tests run as root, for whom Chromium has no sandbox.
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address of a viewer: `open_page(viewer, "/traces")`; takes options of a context."""
    with contextlib.ExitStack() as stack:

        def go(viewer: Any, address: str, **options: Any) -> Any:
            size = {"width": WIDTH, "height": HEIGHT}
            context = browser.new_context(**{"viewport": size, **options})
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.add_init_script(WATCH)
            troubles: list[str] = []
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("console", lambda it: it.type == "error" and troubles.append(it.text))
            stack.callback(check, page, troubles)
            page.origin = f"http://127.0.0.1:{viewer.http_port}"
            page.goto(page.origin + address)
            return page

        yield go


def check(page: Any, troubles: list[str]) -> None:
    """Nothing failed in the page, and nothing was refused by its policy."""
    assert page.evaluate("window.violations") == []
    assert [it for it in troubles if not it.startswith(EXPECTED)] == []


@pytest.fixture(scope="session")
def shop(start_lasting_viewer: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A viewer with what the example services sent: orders for some seconds, some that failed."""
    demo: Any = importlib.import_module("demo")
    viewer = start_lasting_viewer("--quiet")
    folder = tmp_path_factory.mktemp("shop")
    (folder / "tallies").mkdir()
    environment = demo.service_environment(folder, folder / "tallies", viewer.grpc_port)
    with contextlib.ExitStack() as stack:
        python = Path(sys.executable)
        inventory = stack.enter_context(demo.Service("inventory", python, folder, environment))
        environment["INVENTORY_URL"] = f"http://127.0.0.1:{inventory.port}"
        orders = stack.enter_context(demo.Service("orders", python, folder, environment))
        for service in (inventory, orders):
            service.wait_until_ready()
        demo.Load(orders.port, 4.0).run(viewer, demo.Progress())
        for service in (orders, inventory):
            service.stop()
    return viewer


@pytest.fixture(scope="session")
def checkouts(start_lasting_viewer: Callable[..., Any]) -> Any:
    """A viewer with checkouts, some of them slow for a reason, and two versions of a program."""
    viewer = start_lasting_viewer("--quiet")
    page_telemetry.send_checkouts(viewer)
    page_telemetry.send_versions(viewer, "stock-1", queries=2)
    page_telemetry.send_versions(viewer, "stock-2", queries=14)
    return viewer
