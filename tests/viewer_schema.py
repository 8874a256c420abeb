"""The shapes of the viewer's answers, as docs/viewer.schema.json promises them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[1] / "docs" / "viewer.schema.json").read_text()
)


def check(name: str, document: Any) -> None:
    schema = {"$schema": SCHEMA["$schema"], "$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    jsonschema.validate(document, schema)
