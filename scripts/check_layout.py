"""Checks the rules of the tree that no linter knows; `make lint` runs it.

Each rule is one function that yields what breaks it, as `path: what is wrong`.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from uses import Use, knots, python_uses, rust_uses

ROOT = Path(__file__).resolve().parent.parent
DROPIN = ROOT / "python/oxitel/dropin"
PACKAGE = ROOT / "python/oxitel"
# The base of instrumentations, under the official paths too.
BASE = PACKAGE / "base"
# Where no room is in a circle with another, and where no file is.
CRATES = ROOT / "crates"
UNTIED = (CRATES / "python/src", CRATES / "telemetry/src", CRATES / "viewer/src", PACKAGE)
UNTIED_FILES: tuple[Path, ...] = (ROOT / "crates/telemetry/src/export",)
# What may lie beside the rooms.
AT_THE_TOP = {
    ROOT / "crates/python/src": {"lib.rs"},
    PACKAGE: {
        *(
            "__init__.py",
            "__main__.py",
            "_native.pyi",
            "_native_instrumentation.pyi",
            "py.typed",
            "version.py",
        ),
        # What the drop-in folder needs, which can hold no modules of ours.
        *("auto.py", "fitness.py", "incidental.py"),
        # Names for programs, of what no official package has.
        "kafka.py",
        # Words that every room has.
        *("lifetime.py", "official_name.py", "own_methods.py", "quantity.py", "scope.py"),
    },
}
LONGEST_FILE_LINES = 800
VAGUE_NAMES = {"utils", "util", "common", "helpers", "misc"}
# Other distributions put modules of their own into these packages, so none of them may have an
# __init__.py: it would hide those modules.
NAMESPACES = (
    "opentelemetry",
    "opentelemetry/sdk",
    "opentelemetry/exporter",
    "opentelemetry/exporter/otlp",
    "opentelemetry/exporter/otlp/proto",
    "opentelemetry/exporter/http",
    "opentelemetry/instrumentation",
    "opentelemetry/util",
    "opentelemetry/propagators",
)
# In the source of a test: it forks, or runs a program that does.
FORKS = (
    r"\bfork\(|['\"]fork['\"]|get_context\(|ProcessPoolExecutor|preexec_fn"
    r"|\bgunicorn\b|\buwsgi\b|\bprefork\b|\bcelery\b.*\bworker\b"
)
MARKED = "pytest.mark.fork"


def tracked(*patterns: str) -> list[Path]:
    """The files that git knows, plus new ones it would take, under the patterns."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def long_files() -> Iterator[str]:
    for path in tracked("*.rs", "*.py", "*.pyi", "*.js"):
        lines = path.read_bytes().count(b"\n")
        if lines > LONGEST_FILE_LINES:
            yield f"{path}: {lines} lines, {LONGEST_FILE_LINES} at most"


def hidden_namespaces() -> Iterator[str]:
    for namespace in NAMESPACES:
        for folder in (DROPIN, BASE):
            for init in (folder / namespace).glob("__init__.py*"):
                yield f"{init}: hides what other distributions put into this namespace"


def vague_names() -> Iterator[str]:
    for path in tracked("*.rs", "*.py"):
        # These spell the official paths, whatever they are called.
        is_official = path.is_relative_to(DROPIN) or path.is_relative_to(BASE)
        if not is_official and path.stem in VAGUE_NAMES:
            yield f"{path}: the name does not say what is inside"


def missing_openings() -> Iterator[str]:
    for path in tracked("*.rs", "*.py"):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".rs":
            opens = text.startswith("//")
        else:
            opens = not text.strip() or re.match(r'(#![^\n]*\n)?[ru]?("""|#)', text) is not None
        if not opens:
            yield f"{path}: does not open by saying what it is for"


def machine_paths() -> Iterator[str]:
    homes = [str(Path.home()) + "/", str(ROOT) + "/"]
    for path in tracked():
        content = path.read_bytes()
        for home in homes:
            if len(home) > 3 and home.encode() in content:
                yield f"{path}: names {home}, which is a path of this machine"


def unmarked_forks() -> Iterator[str]:
    for path in tracked("tests/*test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {name: ast.unparse(node) for node in tree.body for name in _names(node)}
        # What forks, and whatever of the same file is made of it.
        forking, before = FORKS, ""
        while forking != before:
            before = forking
            words = [name for name, text in named.items() if re.search(forking, text)]
            forking = "|".join([FORKS, *(rf"\b{word}\b" for word in words if word[:5] != "test_")])
        if "fork" in named.get("pytestmark", ""):
            continue
        for name, text in named.items():
            if name.startswith("test_") and re.search(forking, text) and MARKED not in text:
                yield f"{path}: {name} forks and is not marked `{MARKED}`"


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def circles() -> Iterator[str]:
    """No room needs another one that needs it, by whatever way: each can be read, and changed,
    knowing those below it alone. A room is a folder, or a file beside the folders."""
    for source in UNTIED:
        for tied in knots(_uses(source), partial(_room, source)):
            yield from _described(source, tied)


def circles_of_files() -> Iterator[str]:
    for folder in UNTIED_FILES:
        uses = [use for use in _uses(folder.parent) if use.needed.is_relative_to(folder)]
        inside = [use for use in uses if use.file.is_relative_to(folder)]
        for tied in knots(inside, partial(_name, folder)):
            yield from _described(folder, tied)


def _uses(source: Path) -> list[Use]:
    if source == PACKAGE:
        return list(python_uses(source, DROPIN))
    return list(rust_uses(source))


def _name(source: Path, file: Path) -> str:
    return str(file.relative_to(source))


def _room(source: Path, file: Path) -> str:
    return Path(file.relative_to(source).parts[0]).stem


def _described(source: Path, tied: dict[tuple[str, str], list[Use]]) -> Iterator[str]:
    rooms = sorted({room for pair in tied for room in pair})
    yield f"{source}: in a circle: {', '.join(rooms)}"
    # The thinnest first: there a circle is cut most easily.
    for (room, needed), uses in sorted(tied.items(), key=lambda item: len(item[1])):
        for use in uses:
            yield f"    {room} needs {needed}: {use.file}:{use.line} uses {use.name}"


def loose_files() -> Iterator[str]:
    for source, kept in AT_THE_TOP.items():
        for path in tracked(f"{source.relative_to(ROOT)}/*"):
            if path.parent == source and path.name not in kept:
                yield f"{path}: lies loose beside the rooms"


def main() -> int:
    rules = (
        long_files,
        hidden_namespaces,
        vague_names,
        missing_openings,
        machine_paths,
        unmarked_forks,
        loose_files,
        circles,
        circles_of_files,
    )
    broken = [line.replace(f"{ROOT}/", "") for rule in rules for line in rule()]
    print("\n".join(broken) if broken else "layout: all rules hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
