"""What people come to the page for, from end to end: why was this slow or failed, is my telemetry
right, did this change make it worse. With the pointer, and once with the keyboard alone."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import page_telemetry


def parameters(page: Any) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_why_an_order_failed_is_found_from_the_list_to_the_exception_and_its_logs(
    shop: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(shop, "/traces?q=services:inventory")
    page.get_by_role("button", name=re.compile("^error")).first.click()
    assert "status:error" in parameters(page)["q"].replace("=", ":")
    page.locator("tr.error a[data-row]").first.click()
    page.get_by_role("button", name="Next error").click()
    details = page.get_by_label("Selected span")
    details.get_by_role("heading", name="Attributes").wait_for()
    assert "error" in details.inner_text()
    # From the failure to what was logged on the way, which the waterfall marks.
    page.locator(".logged").first.wait_for()
    page.get_by_role("button", name=re.compile(r"^Logs \(\d+\)")).click()
    page.locator(".record").first.wait_for()
    assert parameters(page)["view"] == "logs"
    before = parameters(page)["span"]
    page.get_by_role("button", name=re.compile("^Span of")).first.click()
    page.wait_for_url(lambda address: before not in address)
    page.get_by_role("link", name="All traces").click()
    page.locator("tr.error").first.wait_for()
    assert "error" in parameters(page)["q"]


def test_what_slow_traces_share_is_found_by_choosing_them_in_the_plot(
    checkouts: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(checkouts, "/traces?q=service:checkout")
    plot = page.get_by_label(re.compile("^Durations of traces"))
    box = plot.bounding_box()
    # The upper third, from edge to edge: that is where the slow ones are.
    page.mouse.move(box["x"] + 1, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 3, steps=5)
    page.mouse.up()
    page.get_by_text("20 traces", exact=True).wait_for()
    query = parameters(page)["q"]
    assert query.startswith("service:checkout trace.duration>=")
    page.get_by_role("button", name="What do these share?").click()
    first = page.locator(".shares tbody tr").first
    first.wait_for()
    assert "coupon = SUMMER" in first.inner_text()
    assert "100 %" in first.inner_text()
    first.get_by_role("button").click()
    page.locator(".shares").wait_for(state="detached")
    assert parameters(page)["q"] == f"{query} coupon=SUMMER"
    page.get_by_text("20 traces", exact=True).wait_for()


def test_wrong_telemetry_is_found_on_the_health_page_with_an_example(
    checkouts: Any, open_page: Callable[..., Any]
) -> None:
    # Long enough ago that its parent is not on its way any more.
    start = page_telemetry.now() - 600 * page_telemetry.SECOND
    orphan = page_telemetry.span(0x0F, 0xF00D, 0xBEEF, "lost", start, 1_000_000)
    page_telemetry.send(checkouts, page_telemetry.request("worker", [orphan]))
    page = open_page(checkouts, "/health")
    finding = page.locator(".findings li", has_text="parent").filter(has_text="worker")
    finding.get_by_role("link", name="Example").click()
    page.get_by_label("Selected span").get_by_role("heading", name="lost").wait_for()
    assert page.get_by_text("its parent was not received").count() == 1


def test_whether_a_change_made_it_worse_is_told_by_a_snapshot_and_what_came_since(
    viewer: Any, open_page: Callable[..., Any]
) -> None:
    page_telemetry.send_versions(viewer, "stock", queries=2)
    page = open_page(viewer, "/compare")
    page.get_by_label("Name").fill("before")
    page.get_by_role("button", name="Take a snapshot").click()
    page.locator("li", has_text="before").get_by_role("link", name="before").wait_for()
    page_telemetry.send_versions(viewer, "stock", queries=14, first=100, ago=0)
    page.locator("li", has_text="before").get_by_role("link", name="before").click()
    assert parameters(page) == {"a": "snapshot:before", "b": "now"}
    page.get_by_role("heading", name="worse").wait_for()
    changed = page.locator("tr", has_text="SELECT stock").first
    assert "×2" in changed.inner_text()
    assert "×14" in changed.inner_text()
    page.reload()
    page.get_by_role("heading", name="worse").wait_for()


def test_two_traces_that_are_marked_are_compared(
    checkouts: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(checkouts, "/traces?q=name%3D%22GET%20%2Fstock%22&sort=slowest")
    page.locator("input[type=checkbox]").first.check()
    page.locator("input[type=checkbox]").last.check()
    page.get_by_role("button", name="Compare the two").click()
    page.locator("tr", has_text="SELECT stock").first.wait_for()
    told = parameters(page)
    assert set(told) == {"a", "b"}
    assert told["a"].startswith("trace:")
    page.go_back()
    page.locator("input[type=checkbox]:checked").nth(1).wait_for()


def test_the_keyboard_alone_leads_from_the_query_to_the_span_and_back(
    checkouts: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(checkouts, "/services")
    page.locator(".map").wait_for()
    key = page.keyboard.press
    key("g")
    key("t")
    page.locator("a[data-row]").first.wait_for()
    # The query, completed from what there is.
    key("/")
    page.keyboard.type("stat")
    page.get_by_role("option").filter(has_text=re.compile("^status")).first.wait_for()
    for _ in range(12):
        key("ArrowDown")
        chosen = page.locator("[role=option][aria-selected=true]").inner_text()
        if re.match(r"status\b(?!\.)", chosen):
            break
    key("Enter")
    page.get_by_role("option").filter(has_text=re.compile("^error")).first.wait_for()
    page.keyboard.type("error")
    key("Enter")
    page.get_by_text("4 traces", exact=True).wait_for()
    key("j")
    key("j")
    key("Enter")
    page.locator(".row").first.wait_for()
    assert "find" in parameters(page)
    key("e")
    page.get_by_label("Selected span").get_by_role("heading", name="POST /checkout").wait_for()
    key("c")
    page.locator(".critical").first.wait_for()
    key("j")
    page.get_by_label("Selected span").get_by_role("heading", name="price", exact=True).wait_for()
    key("+")
    assert "zoom" in parameters(page)
    for letter, shown in (("f", ".flame canvas"), ("o", "th[aria-sort]"), ("w", ".waterfall")):
        key(letter)
        page.locator(shown).first.wait_for()
    key("?")
    page.get_by_role("dialog").wait_for()
    key("Escape")
    key("Escape")
    page.get_by_label("Selected span").wait_for(state="detached")
    key("Escape")
    page.get_by_text("4 traces", exact=True).wait_for()
    assert parameters(page) == {"q": "status:error"}
    # The plot: the leftmost column, up to its highest field.
    page.get_by_label(re.compile("^Durations of traces")).focus()
    for _ in range(3):
        key("ArrowLeft")
    key("Shift+ArrowLeft")
    assert "traces" in page.locator(".plot-text").inner_text()
    key("Enter")
    assert {"q", "from", "to"} <= set(parameters(page))


def test_what_arrives_is_shown_at_once_unless_paused(
    viewer: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(viewer, "/traces")
    page.get_by_text("No trace has arrived yet").wait_for()

    def send(number: int) -> None:
        made = page_telemetry.span(number, 1, 0, f"GET /{number}", page_telemetry.now(), 1_000_000)
        page_telemetry.send(viewer, page_telemetry.request("shop", [made]))

    send(1)
    page.get_by_role("link", name="GET /1").wait_for()
    page.keyboard.press(".")
    page.get_by_role("status").filter(has_text="paused").wait_for()
    send(2)
    page.wait_for_timeout(1500)
    assert page.get_by_role("link", name="GET /2").count() == 0
    page.keyboard.press(".")
    page.get_by_role("link", name="GET /2").wait_for()


def test_a_query_that_cannot_be_read_is_shown_with_its_place(
    checkouts: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(checkouts, "/traces?q=status%3Aeror")
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert problem.locator("mark").inner_text() == "eror"
    assert "right would be unset, ok, error" in problem.inner_text()


def test_a_query_that_nothing_fits_says_which_condition_is_in_the_way(
    checkouts: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(checkouts, '/traces?q=service:checkout name:"POST /checkout" duration>1h')
    page.locator("li", has_text="without duration>1h").get_by_role("link").click()
    page.get_by_text("240 traces, 200 shown").wait_for()
    assert parameters(page)["q"] == 'service:checkout name:"POST /checkout"'


def test_an_exemplar_in_a_chart_leads_to_its_trace(
    shop: Any, open_page: Callable[..., Any]
) -> None:
    address = "/metrics?service=orders&name=orders.processing_duration&fn=quantiles"
    page = open_page(shop, address)
    page.locator(".chart canvas").wait_for()
    assert page.locator("main").get_by_text("quantile=p99").count() == 1
    box = page.locator(".u-over").bounding_box()
    # Somewhere in the lower part of the chart there is a measurement within reach.
    for step in range(60):
        x = box["x"] + box["width"] * (0.1 + 0.8 * step / 60)
        page.mouse.click(x, box["y"] + box["height"] * 0.75)
        page.wait_for_timeout(50)
        if "/traces/" in page.url:
            break
    page.locator(".row.selected").wait_for()


def test_what_a_service_sent_is_let_go_of_when_that_is_confirmed(
    viewer: Any, open_page: Callable[..., Any]
) -> None:
    page_telemetry.send_versions(viewer, "noisy", queries=1)
    page_telemetry.send_versions(viewer, "quiet", queries=1)
    page = open_page(viewer, "/health")
    page.once("dialog", lambda it: it.dismiss())
    page.get_by_role("button", name="Clear noisy").click()
    assert viewer.ask("/api/traces?q=service:noisy")["total"] == 12
    page.once("dialog", lambda it: it.accept())
    page.get_by_role("button", name="Clear noisy").click()
    page.get_by_role("button", name="Clear noisy").wait_for(state="detached")
    assert viewer.ask("/api/traces?q=service:noisy")["total"] == 0
    assert viewer.ask("/api/traces")["total"] == 12


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/traces?q=service:checkout 'it''s' or status:error&sort=slowest", "{total} traces"),
        ("/traces?q=status:error&share=1", "{spans} spans against {against_spans} other spans."),
        ("/logs?q=body:none&least=warn", "{total} log records"),
        ("/compare?a=service:stock-1&b=service:stock-2", "{text}"),
    ],
)
def test_what_is_shown_is_asked_by_a_command_that_can_be_copied(
    address: str, shown: str, checkouts: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(checkouts, address)
    page.get_by_role("button", name="As command").click()
    words = shlex.split(page.locator(".command code").inner_text())
    assert words[:2] == ["oxitel", "view"]
    done = subprocess.run(
        [checkouts.program, *words[2:]], capture_output=True, check=True, text=True, timeout=60
    )
    page.get_by_text(shown.format(**json.loads(done.stdout)), exact=True).wait_for()
