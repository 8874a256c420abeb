"""Lists that go on, runs of a service, times in UTC, and values that unfold."""

from __future__ import annotations

import gzip
import re
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from page_telemetry import MILLISECOND, SECOND, attribute, now, request, send, span

TRACES = 1_250
RECORDS = 1_230
PAGE = 200
# 2026-03-01T23:59:58Z, in New York still the evening.
WHEN = 1_772_409_598_000_000_000
DOCUMENT = (
    '{"order": {"id": 12345678901234567890, "items": [{"sku": "lamp", "count": 2}, '
    '{"sku": "desk", "count": 1}], "note": "<b>handle</b> with care"}, "total": 1.50}'
)


@pytest.fixture(scope="module")
def many(start_lasting_viewer: Callable[..., Any]) -> Any:
    """A viewer with more traces and log records than a list shows at once."""
    viewer = start_lasting_viewer("--quiet")
    began = now() - 3_000 * SECOND
    spans = [
        span(0xA000 + number, number + 1, 0, f"job {number:04}", began + number * SECOND, SECOND)
        for number in range(TRACES)
    ]
    send(viewer, request("batch", spans))
    records = [
        {
            "timeUnixNano": str(began + number * SECOND),
            "severityNumber": 9,
            "body": {"stringValue": f"line {number:04}"},
        }
        for number in range(RECORDS)
    ]
    scope = {"scope": {"name": "test"}, "logRecords": records}
    resource = {"attributes": [attribute("service.name", "batch")]}
    send(viewer, {"resource": resource, "scopeLogs": [scope]}, signal="logs")
    return viewer


@pytest.mark.parametrize(
    ("address", "rows", "whole", "first"),
    [
        ("/traces", "tbody a[data-row]", TRACES, "job 1249"),
        ("/traces?sort=oldest", "tbody a[data-row]", TRACES, "job 0000"),
        ("/logs", ".record .body", RECORDS, "line 1229"),
        ("/logs?sort=oldest", ".record .body", RECORDS, "line 0000"),
    ],
)
def test_a_list_goes_on_to_its_end(
    many: Any, open_page: Callable[..., Any], address: str, rows: str, whole: int, first: str
) -> None:
    page = open_page(many, address)
    seen: list[str] = []
    more = page.get_by_role("button", name="More", exact=True)
    while True:
        page.locator(rows).first.wait_for()
        shown = page.locator(rows).all_inner_texts()
        assert len(shown) <= PAGE and not set(shown) & set(seen)
        seen += shown
        if len(seen) >= whole:
            break
        before = page.locator(rows).first.inner_text()
        more.click()
        page.wait_for_function(
            "([rows, before]) => { const it = document.querySelector(rows); "
            "return it && it.innerText !== before; }",
            arg=[rows, before],
        )
    assert len(seen) == whole and seen[0] == first
    assert seen == sorted(seen, reverse="oldest" not in address)
    more.wait_for(state="detached")
    # The address says which part it is, and going back leads to the one before.
    last = page.locator(rows).first.inner_text()
    page.reload()
    page.locator(rows).first.wait_for()
    assert page.locator(rows).first.inner_text() == last
    page.go_back()
    page.get_by_text(seen[whole // PAGE * PAGE - 1], exact=True).wait_for()
    page.get_by_role("button", name="From the beginning").click()
    page.get_by_text(first, exact=True).wait_for()
    # Another question is another list.
    more.click()
    page.get_by_role("button", name="From the beginning").wait_for()
    page.get_by_label("Sort").select_option("oldest" if "oldest" not in address else "")
    page.get_by_role("button", name="From the beginning").wait_for(state="detached")


@pytest.fixture(scope="module")
def runs(start_lasting_viewer: Callable[..., Any]) -> Any:
    """A viewer with two runs of a shop, the second of which asks its database more often, and one
    trace in which another service takes part."""
    viewer = start_lasting_viewer("--quiet")
    for run, (version, instance, queries) in enumerate((("1.0", "one", 2), ("1.1", "two", 9))):
        spans = []
        for number in range(8):
            trace, base = 0xF000 + 100 * run + number, 1_000 * run + 100 * number + 1
            start = now() - (100 - 50 * run) * SECOND + number * SECOND
            spans.append(
                span(trace, base, 0, "GET /stock", start, 10 * (1 + run) * MILLISECOND, kind=2)
            )
            spans += [
                span(trace, base + 1 + query, base, "SELECT stock", start, MILLISECOND, kind=3)
                for query in range(queries)
            ]
        part = request("shop", spans)
        part["resource"]["attributes"] += [
            attribute("service.version", version),
            attribute("service.instance.id", instance),
            attribute("process.pid", 4_000 + run),
        ]
        send(viewer, part)
    other = request("stock", [span(0xF000, 90_000, 1, "GET /", now() - 100 * SECOND, 1, kind=2)])
    other["resource"]["attributes"].append(attribute("host.name", 'db "1"'))
    send(viewer, other)
    return viewer


def test_runs_are_told_apart_chosen_and_compared(runs: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(runs, "/runs")
    rows = page.locator("tbody tr")
    page.get_by_text("3 runs", exact=True).wait_for()
    assert "shop 2" in re.sub(r"\s+", " ", rows.first.inner_text())
    assert "process 4001" in rows.first.inner_text()
    # A run's traces, and back from one of them to its runs.
    page.get_by_role("link", name=re.compile("shop 1")).click()
    page.get_by_text("8 traces", exact=True).wait_for()
    page.locator("tbody a[data-row]").last.click()
    page.get_by_role("link", name="2 runs").click()
    page.get_by_text("2 runs", exact=True).wait_for()
    texts = [re.sub(r"\s+", " ", text) for text in rows.all_inner_texts()]
    assert any("shop 1" in text for text in texts) and any('db "1"' in text for text in texts)
    # By keys: to the page, mark two, compare; what began first stands before.
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_text("3 runs", exact=True).wait_for()
    for name in ("shop 2", "shop 1"):
        page.get_by_role("link", name=re.compile(name)).focus()
        page.keyboard.press("x")
        page.get_by_label(re.compile(f"Mark {name}")).and_(page.locator(":checked")).wait_for()
    page.keyboard.press("d")
    page.locator(".verdict").wait_for()
    asked = {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}
    assert "one" in asked["a"] and "two" in asked["b"]
    assert "SELECT stock" in page.locator("main").inner_text()


def test_runs_are_the_same_for_programs(runs: Any) -> None:
    answer = runs.ask("/api/runs")
    assert [(it["service"], it["number"], it["traces"]) for it in answer["data"]] == [
        ("shop", 2, 8),
        ("stock", 1, 1),
        ("shop", 1, 8),
    ]
    for run in answer["data"]:
        found = runs.ask(f"/api/traces?limit=1&q={quote(run['query'])}")
        assert found["total"] == run["traces"], run
    # What is asked narrows the runs, not their numbers.
    [second] = runs.ask("/api/runs?q=service.version=1.1")["data"]
    assert (second["number"], second["spans"]) == (2, 80)


def test_times_are_shown_in_utc_where_somebody_chose_that(
    start_viewer: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    viewer = start_viewer("--quiet", "--max-age", "3650d")
    send(viewer, request("shop", [span(0xE0, 1, 0, "GET /", WHEN, SECOND)]))
    page = open_page(viewer, "/traces", timezone_id="America/New_York")
    row = page.locator("tbody td.time")
    row.get_by_text("2026-03-01 18:59:58.000", exact=True).wait_for()
    page.keyboard.press("u")
    row.get_by_text("2026-03-01 23:59:58.000Z", exact=True).wait_for()
    page.reload()
    row.get_by_text("2026-03-01 23:59:58.000Z", exact=True).wait_for()
    assert "Z" in page.locator(".plot-times").first.inner_text()
    page.get_by_role("button", name="UTC").click()
    row.get_by_text("2026-03-01 18:59:58.000", exact=True).wait_for()


def test_json_unfolds_and_is_never_markup(
    start_viewer: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    viewer = start_viewer("--quiet")
    made = span(0xD0, 1, 0, "POST /", now() - SECOND, SECOND, attributes={"short": "[1, 2]"})
    pairs = [
        {"key": "answer", "value": {"stringValue": DOCUMENT}},
        {"key": "long", "value": {"stringValue": "x" * 5_000}},
        {"key": "broken", "value": {"stringValue": DOCUMENT[:-1]}},
        {
            "key": "many",
            "value": {"arrayValue": {"values": [{"intValue": str(it)} for it in range(250)]}},
        },
    ]
    made["attributes"] += pairs
    send(viewer, request("shop", [made]))
    record = {
        "timeUnixNano": str(now() - SECOND),
        "severityNumber": 9,
        "traceId": made["traceId"],
        "spanId": made["spanId"],
        "body": {"stringValue": DOCUMENT},
    }
    scope = {"scope": {"name": "test"}, "logRecords": [record]}
    resource = {"attributes": [attribute("service.name", "shop")]}
    send(viewer, {"resource": resource, "scopeLogs": [scope]}, signal="logs")
    page = open_page(viewer, f"/traces/{made['traceId']}?span={made['spanId']}")
    details = page.get_by_label("Selected span")

    def of(key: str) -> Any:
        return details.get_by_role("row", name=re.compile(f"^{key} "))

    answer = of("answer")
    answer.get_by_role("button", name=re.compile("order: {")).wait_for()
    answer.locator(".branch").first.click()
    answer.get_by_role("button", name=re.compile("^order: {id: ")).click()
    # Numbers keep the digits that they came with.
    answer.get_by_text("12345678901234567890", exact=True).wait_for()
    answer.get_by_text('"<b>handle</b> with care"', exact=True).wait_for()
    answer.get_by_text("1.50", exact=True).wait_for()
    answer.get_by_role("button", name=re.compile("^items: ")).click()
    answer.get_by_role("button", name=re.compile("^0: {sku: ")).click()
    answer.get_by_text('"lamp"', exact=True).wait_for()
    answer.get_by_role("button", name="Show as text").click()
    answer.get_by_text(DOCUMENT, exact=True).wait_for()
    assert of("short").locator(".branch").count() == of("broken").locator(".branch").count() == 0
    assert DOCUMENT[:-1] in of("broken").inner_text()
    assert len(of("long").inner_text()) < 3_000
    of("long").get_by_role("button", name="Show all 5,000 characters").click()
    of("long").get_by_text("x" * 5_000).wait_for()
    of("many").locator(".branch").first.click()
    assert of("many").locator("li").count() == 101
    of("many").get_by_role("button", name="150 more").click()
    assert of("many").locator("li").count() == 201
    page.goto(f"{page.origin}/logs")
    page.locator(".record button").first.click()
    body = page.locator(".record .whole")
    body.locator(".branch").first.click()
    body.get_by_role("button", name=re.compile("^order: {id: ")).wait_for()
    assert page.locator("main b").count() == 0


def test_the_page_is_sent_packed_to_who_unpacks_it(
    start_viewer: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    viewer = start_viewer("--quiet")
    page = open_page(viewer, "/sql")
    page.get_by_role("heading").first.wait_for()
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter((it) => it.name.includes('/assets/'))"
        ".map((it) => [it.encodedBodySize, it.decodedBodySize])"
    )
    sent, whole = (sum(size[place] for size in sizes) for place in (0, 1))
    assert len(sizes) > 10 and 0 < sent < whole / 2
    assert sent < 120_000
    for wanted, is_packed in (("gzip", True), ("identity", False)):
        asked = urllib.request.Request(
            f"{page.origin}/assets/page.mjs", headers={"accept-encoding": wanted}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            body = answer.read()
            assert (answer.headers["content-encoding"] == "gzip") == is_packed
            assert answer.headers["vary"] == "accept-encoding"
        text = gzip.decompress(body) if is_packed else body
        assert text.startswith(b"// The page's frame")
