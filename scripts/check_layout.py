"""Checks the rules of the tree that no linter knows; `make lint` runs it.

Each rule is one function that yields what breaks it, as `path: what is wrong`.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DROPIN = ROOT / "python/oxitel/dropin"
LONGEST_FILE_LINES = 800
VAGUE_NAMES = {"utils", "util", "common", "helpers", "misc"}
# Crates in which no room is in a circle with another: what belongs to a room can be read without
# those that need it. A room is what stands beside lib.rs.
WITHOUT_CIRCLES = ("crates/python",)
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
        for init in (DROPIN / namespace).glob("__init__.py*"):
            yield f"{init}: hides what other distributions put into this namespace"


def vague_names() -> Iterator[str]:
    for path in tracked("*.rs", "*.py"):
        inside = path.relative_to(DROPIN) if path.is_relative_to(DROPIN) else None
        # The drop-in folder spells the official paths, whatever they are called.
        if inside is None and path.stem in VAGUE_NAMES:
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


def circles() -> Iterator[str]:
    for crate in WITHOUT_CIRCLES:
        source = ROOT / crate / "src"
        needs: dict[str, set[str]] = {}
        for path in tracked(f"{crate}/src/*.rs"):
            room = path.relative_to(source).parts[0].removesuffix(".rs")
            named = re.findall(r"\bcrate::(\w+)", path.read_text(encoding="utf-8"))
            needs.setdefault(room, set()).update(named)
        # Rooms that need no other go, then those that needed only these; a circle never goes.
        while free := {room for room in needs if not (needs[room] - {room}) & needs.keys()}:
            for room in free:
                del needs[room]
        if needs:
            yield f"{source}: a circle, or what needs one, in {', '.join(sorted(needs))}"


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


def main() -> int:
    rules = (
        long_files,
        hidden_namespaces,
        vague_names,
        missing_openings,
        circles,
        machine_paths,
        unmarked_forks,
    )
    broken = [line.replace(f"{ROOT}/", "", 1) for rule in rules for line in rule()]
    print("\n".join(broken) if broken else "layout: all rules hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
