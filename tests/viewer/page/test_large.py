"""A trace of 100,000 spans in the page: it opens, scrolls from end to end, and leads to its errors.
How long that took is printed (`pytest -s`), as time that passed and as processor time of the page;
a machine that is busy fails nothing. A frame takes the same however many spans there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import page_telemetry

SPANS = 100_000
FEW = 1_000
# Processor time of scrolling the large trace, at most, over that of the small one.
MOST_TIMES = 3
# Of the answer that the page draws from.
MOST_BYTES_OF_A_SPAN = 120
# More than the rows that fit the window, far fewer than there are.
MOST_ROWS = 100
GO = """
(path) => {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}
"""
OPEN = """
(path) => new Promise((done) => {
  const started = performance.now();
  const watch = new MutationObserver(() => {
    if (!document.querySelector(".row")) return;
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - started));
  });
  watch.observe(document, { subtree: true, childList: true });
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
})
"""
SCROLL = """
async ([steps, by]) => {
  const box = document.querySelector(".rows");
  const frames = [];
  const frame = () => new Promise((done) => requestAnimationFrame(() => done(performance.now())));
  let last = await frame();
  for (let step = 0; step < steps; step += 1) {
    box.scrollTop += by;
    const now = await frame();
    frames.push(now - last);
    last = now;
  }
  return frames;
}
"""


def processor_times(browser: Any, page: Any, act: Callable[[], Any]) -> tuple[Any, list[float]]:
    """What `act` gives, and how long each task of the page's main thread ran, in milliseconds."""
    browser.start_tracing(page=page, categories=["toplevel"])
    given = act()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    main = {
        (it["pid"], it["tid"])
        for it in events
        if it["name"] == "thread_name" and it["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        it["tdur"] / 1000
        for it in events
        if it["name"] == "ThreadControllerImpl::RunTask"
        and (it["pid"], it["tid"]) in main
        and "tdur" in it
    ]
    return given, sorted(tasks) or [0.0]


def at(values: list[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def test_a_trace_of_100_000_spans_opens_and_scrolls(
    viewer: Any, browser: Any, open_page: Callable[..., Any]
) -> None:
    trace = page_telemetry.send_large(viewer, SPANS)
    small = page_telemetry.send_large(viewer, FEW, trace=0x5A11)
    page = open_page(viewer, "/compare")
    page.get_by_role("heading", name="Snapshots").wait_for()

    # As a user has it; then once more, for the processor time, which takes its own to watch.
    passed = page.evaluate(OPEN, f"/traces/{trace}")
    page.evaluate(GO, "/compare")
    page.get_by_role("heading", name="Snapshots").wait_for()

    def opening() -> None:
        page.evaluate(GO, f"/traces/{trace}")
        page.locator(".row").first.wait_for()

    _, tasks = processor_times(browser, page, opening)
    print(f"\nopened in {passed:.0f} ms; processor {sum(tasks):.0f} ms, longest {tasks[-1]:.0f} ms")
    page.get_by_text("100,000 spans", exact=True).wait_for()
    assert page.locator(".row").count() < MOST_ROWS

    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter((it) => it.name.includes('form=packed'))"
        ".map((it) => it.decodedBodySize)"
    )
    assert len(sizes) == 2 and sizes[0] < MOST_BYTES_OF_A_SPAN * SPANS

    # A screen of rows at a time, then jumps of thousands.
    paging = 0.0
    for steps, by, kind in ((120, 400, "paging"), (60, 26 * 1500, "jumping")):
        frames, tasks = processor_times(
            browser, page, lambda asked=(steps, by): page.evaluate(SCROLL, list(asked))
        )
        print(
            f"{kind}: median frame {at(frames, 0.5):.0f} ms, 95 % {at(frames, 0.95):.0f} ms, "
            f"longest {max(frames):.0f} ms; processor {sum(tasks) / steps:.0f} ms a frame, "
            f"longest task {tasks[-1]:.0f} ms"
        )
        assert page.locator(".row").count() < MOST_ROWS
        paging = paging or sum(tasks) / steps

    page.get_by_role("tree").press("End")
    page.get_by_label("Selected span").get_by_role("heading").first.wait_for()
    assert page.locator(".row.selected").count() == 1
    page.keyboard.press("e")
    page.get_by_label("Selected span").get_by_text("refused").wait_for()
    page.locator("select").first.select_option("1%")
    page.get_by_text(re.compile(r"^\([\d,]+ rows?\)$")).wait_for()
    page.keyboard.press("f")
    page.locator(".flame canvas").wait_for()
    page.get_by_role("button", name="Operations").click()
    page.get_by_role("button", name="job", exact=True).wait_for()

    page.evaluate(GO, f"/traces/{small}")
    page.get_by_text("1,000 spans", exact=True).wait_for()
    steps = 60
    _, tasks = processor_times(browser, page, lambda: page.evaluate(SCROLL, [steps, 400]))
    print(f"of 1,000 spans: processor {sum(tasks) / steps:.1f} ms a frame")
    assert paging < MOST_TIMES * sum(tasks) / steps


def test_a_chain_of_5000_spans_has_a_flame_graph_that_can_be_seen(
    viewer: Any, open_page: Callable[..., Any]
) -> None:
    start = page_telemetry.now()
    chain = [
        page_telemetry.span(
            0xC4A1, number, number - 1, f"call {number}", start + number, 1_000_000_000
        )
        for number in range(1, 5_001)
    ]
    page_telemetry.send(viewer, page_telemetry.request("deep", chain))
    page = open_page(viewer, f"/traces/{0xC4A1:032x}?view=flame")
    page.get_by_text("What lies deeper", exact=False).wait_for()
    # A canvas that is too high stays empty.
    drawn = """(canvas) => canvas.getContext("2d").getImageData(50, 30, 1, 1).data[3]"""
    assert page.locator(".flame canvas").evaluate(drawn) == 255
    page.get_by_label("Flame graph").press("ArrowDown")
    page.get_by_text("call 1", exact=True).first.wait_for()
