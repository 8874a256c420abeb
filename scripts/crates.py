"""The crates of other people that are linked into what we ship, as `cargo metadata` tells them, and
the texts of their licences."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# What is shipped, with the file beside it that says whose work is inside.
SHIPPED = {
    "oxitel-python": ROOT / "THIRD-PARTY-LICENSES.txt",
    "oxitel-viewer": ROOT / "crates/viewer/THIRD-PARTY-LICENSES.txt",
}
# What else is inside: files of others, each beside its licence, NAME.LICENSE.txt.
VENDORED = {"oxitel-viewer": ROOT / "crates/viewer/web/assets/vendor"}
# Crates without a text of their own, and the crate of the same repository that brings it.
TEXT_OF = {
    "opentelemetry": "opentelemetry-proto",
    "opentelemetry_sdk": "opentelemetry-proto",
    "tonic-prost": "tonic",
}
# The systems of the wheels.
PLATFORMS = (
    *("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"),
    *("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"),
    *("x86_64-apple-darwin", "aarch64-apple-darwin"),
    *("x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"),
)
TEXTS = re.compile(r"(licen[cs]e|copying|notice|unlicense)([-._].*)?", re.IGNORECASE)
HEADING = """\
Licences of the work of others that is part of the binaries of {name}
{line}

The binaries contain the standard library of Rust (Copyright (c) The Rust Project Contributors, MIT
OR Apache-2.0, https://www.rust-lang.org) and the crates below, each with the licence it names and
with every licence text that it comes with. Written by scripts/render_licenses.py.

"""


@dataclass(frozen=True, order=True)
class Crate:
    name: str
    version: str
    license: str
    folder: Path


@cache
def _metadata(platform: str = "") -> dict[str, Any]:
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    if platform:
        command += ["--filter-platform", platform]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _crate(package: dict[str, Any]) -> Crate:
    folder = Path(package["manifest_path"]).parent
    return Crate(package["name"], package["version"], package["license"] or "none", folder)


def every_crate() -> list[Crate]:
    """All that anything in the workspace needs, its tests included, on whatever system."""
    return sorted(_crate(package) for package in _metadata()["packages"] if package["source"])


def linked(name: str) -> list[Crate]:
    """Those whose code is in the binaries: not what only builds them, or runs at compile time."""
    found = {crate for platform in PLATFORMS for crate in _linked_on(name, _metadata(platform))}
    return sorted(found)


def _linked_on(name: str, metadata: dict[str, Any]) -> Iterator[Crate]:
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [key for key, package in packages.items() if package["name"] == name]
    seen = set(waiting)
    while waiting:
        package = packages[key := waiting.pop()]
        if package["source"]:
            yield _crate(package)
        for needed in nodes[key]["deps"]:
            is_macro = "proc-macro" in packages[needed["pkg"]]["targets"][0]["kind"]
            is_normal = any(kind["kind"] is None for kind in needed["dep_kinds"])
            if is_normal and not is_macro and needed["pkg"] not in seen:
                seen.add(needed["pkg"])
                waiting.append(needed["pkg"])


def texts(crate: Crate) -> list[Path]:
    """The files of a crate that are licences, those of C code that it brings along included."""
    found = [
        path
        for path in sorted(crate.folder.rglob("*"))
        if TEXTS.fullmatch(path.name) and path.suffix not in (".rs", ".html") and path.is_file()
    ]
    # Of two licences to choose from (zstd: BSD or GPL) the one that is not copyleft.
    chosen = {path.parent for path in found if path.name.upper().startswith("LICEN")}
    found = [path for path in found if path.name != "COPYING" or path.parent not in chosen]
    if not found and crate.name in TEXT_OF:
        siblings = (it for it in every_crate() if it.name == TEXT_OF[crate.name])
        return [path for sibling in siblings for path in texts(sibling)]
    return found


def rendered(name: str) -> str:
    """The page about `name`: each text once, below the crates that come with it."""
    owners: dict[str, list[str]] = defaultdict(list)
    shown: dict[str, str] = {}
    crates = linked(name)
    for crate in crates:
        for path in texts(crate):
            text = path.read_text(encoding="utf-8", errors="replace")
            key = " ".join(text.split())
            shown.setdefault(
                key, "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
            )
            who = f"{crate.name} {crate.version}"
            if who not in owners[key]:
                owners[key].append(who)
    if name in VENDORED:
        for path in sorted(VENDORED[name].glob("*.LICENSE.txt")):
            text = path.read_text(encoding="utf-8").strip()
            key = " ".join(text.split())
            shown.setdefault(key, text)
            owners[key].append(f"{path.name.partition('.')[0]} (JavaScript)")
    heading = HEADING.format(name=name, line="=" * 70)
    listed = "\n".join(f"{crate.name} {crate.version}: {crate.license}" for crate in crates)
    parts = [f"{'-' * 99}\n{', '.join(owners[key])}\n\n{text}" for key, text in shown.items()]
    return heading + listed + "\n\n" + "\n\n".join(parts) + "\n"
