"""A trace of 100,000 spans in the page: it opens, scrolls from end to end, and leads to its errors.
How long that took is printed (`pytest -s`); a machine that is busy fails nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import page_telemetry

SPANS = 100_000
# More than the rows that fit the window, far fewer than there are.
MOST_ROWS = 100
GO = """
(path) => {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}
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


def test_a_trace_of_100_000_spans_opens_and_scrolls(
    viewer: Any, open_page: Callable[..., Any]
) -> None:
    trace = page_telemetry.send_large(viewer, SPANS)
    page = open_page(viewer, "/health")
    page.get_by_role("heading", name="Health").wait_for()
    started = time.perf_counter()
    page.evaluate(GO, f"/traces/{trace}")
    page.locator(".row").first.wait_for()
    opened = time.perf_counter() - started
    page.get_by_text("100,000 spans", exact=True).wait_for()
    assert page.locator(".row").count() < MOST_ROWS

    # A screen of rows at a time, then jumps of thousands.
    for steps, by, kind in ((120, 400, "paging"), (60, 26 * 1500, "jumping")):
        frames = sorted(page.evaluate(SCROLL, [steps, by]))
        print(
            f"\n{kind}: median frame {frames[len(frames) // 2]:.0f} ms, 95th percentile "
            f"{frames[len(frames) * 95 // 100]:.0f} ms, longest {frames[-1]:.0f} ms"
        )
        assert page.locator(".row").count() < MOST_ROWS
    print(f"opened in {1000 * opened:.0f} ms")

    page.get_by_role("tree").press("End")
    page.get_by_label("Selected span").get_by_role("heading").first.wait_for()
    assert page.locator(".row.selected").count() == 1
    page.keyboard.press("e")
    page.get_by_label("Selected span").get_by_text("refused").wait_for()
    page.locator("select").first.select_option("1%")
    rows = page.get_by_text(re.compile(r"^\([\d,]+ rows?\)$"))
    rows.wait_for()
    page.keyboard.press("f")
    page.locator(".flame canvas").wait_for()
    page.get_by_role("button", name="Operations").click()
    page.get_by_role("button", name="job", exact=True).wait_for()
