"""The pictures in docs/viewer.md, made of what the example services sent. With
`OXITEL_SCREENSHOTS=1` they are written anew; else it is checked that they can be made."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
MOST_BYTES = 100_000


def pictures(shop: Any) -> dict[str, tuple[str, str]]:
    failed = shop.ask("/api/traces?q=status:error%20services:inventory&sort=spans&limit=1")
    trace = failed["data"][0]["trace_id"]
    columns = shop.ask(f"/api/traces/{trace}")["columns"]
    span = columns["span_id"][columns["status"].index(2)]
    return {
        "viewer-traces": ("/traces?q=service:orders", ".plot canvas"),
        "viewer-trace": (f"/traces/{trace}?span={span}&critical=1", ".critical"),
        "viewer-services": ("/services?open=orders", ".map"),
    }


@pytest.mark.parametrize("name", ["viewer-traces", "viewer-trace", "viewer-services"])
def test_pictures_of_the_documents_are_of_this_page(
    name: str, shop: Any, open_page: Callable[..., Any]
) -> None:
    address, shown = pictures(shop)[name]
    scheme = "dark" if name == "viewer-trace" else "light"
    page = open_page(shop, address, color_scheme=scheme)
    page.locator(shown).first.wait_for()
    page.wait_for_timeout(1500)
    devtools = page.context.new_cdp_session(page)
    taken = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": 60})
    image = base64.b64decode(taken["data"])
    assert len(image) < MOST_BYTES
    if os.environ.get("OXITEL_SCREENSHOTS"):
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"{name}.webp").write_bytes(image)
    assert (IMAGES / f"{name}.webp").stat().st_size < MOST_BYTES
