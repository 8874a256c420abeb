"""Every state of the page has an address: opened anew it is the same, in a browser that audits its
accessibility, dark and light, and refuses what the content policy does not allow."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from page_telemetry import HOSTILE, send_hostile

WEB = Path(__file__).resolve().parents[3] / "crates" / "viewer" / "web"
MOST_BYTES = 120_000
ERROR = "status:error"
STATES = {
    "now": "/",
    "traces": "/traces",
    "slowest": "/traces?sort=slowest&q=service:orders",
    "shares": f"/traces?q={ERROR}&share=1",
    "trace": "/traces/{failed}",
    "span": "/traces/{failed}?span={span}&critical=1",
    "zoom": "/traces/{failed}?zoom=1000000-3000000&hide=100000",
    "found": "/traces/{failed}?find=service:inventory&rows=found",
    "flame": "/traces/{failed}?view=flame",
    "operations": "/traces/{failed}?view=operations&by=count",
    "trace logs": "/traces/{failed}?view=logs",
    "services": "/services?open=orders",
    "logs": "/logs?least=warn",
    "patterns": "/logs?view=patterns",
    "metrics": "/metrics",
    "quantile": "/metrics?service=orders&name=orders.processing_duration&fn=p95",
    "quantiles": "/metrics?service=orders&name=orders.processing_duration&fn=quantiles",
    "buckets": "/metrics?service=orders&name=orders.processing_duration&fn=heatmap",
    "rate": "/metrics?service=orders&name=http.server.requests&by=*",
    "runs": "/runs",
    "runs found": "/runs?q=service:orders",
    "compare": f"/compare?a=service:orders -{ERROR}&b=service:orders {ERROR}&all=1",
    "compare nothing": "/compare",
    "health": "/health",
    "findings": "/health?rule=deprecated-name",
    "sql": "/sql",
    "statement": "/sql?statement=SELECT trace_id, name, status_message FROM spans"
    " WHERE status = 'error' ORDER BY start_ns LIMIT 20",
    "wrong statement": "/sql?statement=DELETE FROM spans",
    "nothing": "/nowhere",
}


@pytest.fixture(scope="session")
def addresses(shop: Any) -> dict[str, str]:
    """The states, with a trace that failed and its first span."""
    failed = shop.ask("/api/traces?q=status:error%20services:inventory&limit=1")["data"][0][
        "trace_id"
    ]
    span = shop.ask(f"/api/traces/{failed}")["columns"]["span_id"][0]
    return {name: text.format(failed=failed, span=span) for name, text in STATES.items()}


def settled(page: Any) -> str:
    """What the page says when nothing more comes."""
    before = ""
    for _ in range(120):
        now: str = page.locator("main").inner_text()
        if now == before and "Loading" not in now:
            return now
        before = now
        page.wait_for_timeout(250)
    raise AssertionError("the page does not settle")


@pytest.mark.parametrize("state", STATES)
def test_a_state_opened_by_its_address_is_accessible_and_the_same_each_time(
    state: str, addresses: dict[str, str], shop: Any, open_page: Callable[..., Any]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_page(shop, addresses[state])
    shown = settled(page)
    assert len(shown) > 20
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = axe.Axe().run(page).response["violations"]
        assert [(it["id"], it["impact"], it["nodes"][0]["html"][:200]) for it in found] == []
    page.reload()
    # A statement says how long it took.
    took = r", in [\d.]+ \w+"
    assert re.sub(took, "", settled(page)) == re.sub(took, "", shown)


def test_the_theme_that_was_chosen_stays(shop: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(shop, "/traces", color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.keyboard.press("t")
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == dark


def test_what_is_selected_folded_and_searched_goes_into_the_address(
    shop: Any, addresses: dict[str, str], open_page: Callable[..., Any]
) -> None:
    page = open_page(shop, addresses["trace"])
    page.locator(".row").nth(1).click()
    page.get_by_role("button", name="Fold all").click()
    page.locator("#query").fill("service:inventory")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Next match").click()
    page.get_by_role("button", name="Critical path").click()
    page.locator(".critical").first.wait_for()
    shown = settled(page)
    page.reload()
    assert settled(page) == shown
    assert page.locator(".row.selected").count() == 1
    page.go_back()
    page.locator(".critical").first.wait_for(state="detached")


@pytest.fixture(scope="module")
def hostile(start_lasting_viewer: Callable[..., Any]) -> tuple[Any, str]:
    viewer = start_lasting_viewer("--quiet")
    return viewer, send_hostile(viewer)


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/traces",
        "/traces?share=1&q=status:error",
        "/traces/{0}?span=0000000000000001",
        "/traces/{0}?view=flame",
        "/traces/{0}?view=operations",
        "/traces/{0}?view=logs",
        "/services",
        "/logs",
        "/logs?view=patterns",
        "/metrics",
        "/compare?a=trace:{0}&b=trace:{0}&all=1",
        "/health",
        "/sql?statement=SELECT * FROM spans",
    ],
)
def test_hostile_text_is_never_markup(
    address: str, hostile: tuple[Any, str], open_page: Callable[..., Any]
) -> None:
    viewer, trace = hostile
    page = open_page(viewer, address.format(trace))
    shown = settled(page)
    assert HOSTILE[0] in shown or address in ("/health", "/logs?view=patterns")
    assert page.title().endswith("Oxitel viewer")
    assert page.locator("main img, main script, main [onerror]").count() == 0
    links = page.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert [it for it in links if not re.match(r"[/#]", it)] == []


def test_the_page_is_no_more_than_it_may_be() -> None:
    files = [WEB / "index.html", *(WEB / "assets").rglob("*")]
    sent = [path for path in files if path.suffix in {".html", ".mjs", ".js", ".css", ".svg"}]
    assert sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in sent) <= MOST_BYTES
