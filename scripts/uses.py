"""Which file of the tree uses which, in Rust and in Python, and which rooms stand in a circle.

Re-exports are followed to the file that defines a name: `super::Signal` is a use of the file where
`Signal` is, not of the `mod.rs` that hands it on.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Comments, strings and characters.
NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|'(?:\\.|[^\\'])'""", re.DOTALL
)
RUST_USE = re.compile(r"(pub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);")
RUST_PATH = re.compile(r"(?<![\w:])\$?((?:crate|self|super)(?:::\w+)+|[a-z]\w*(?=::))")


@dataclass(frozen=True)
class Use:
    """A line of a file that needs a name of another file."""

    file: Path
    line: int
    name: str
    needed: Path


@dataclass
class _Module:
    """A file of Rust: where it stands in its crate, and what it uses and hands on, as paths from
    the crate's root."""

    file: Path
    path: tuple[str, ...]
    used: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    # What a name of this module stands for, if another one defines it.
    handed_on: dict[str, tuple[str, ...]] = field(default_factory=dict)


def rust_uses(source: Path) -> Iterator[Use]:
    """The uses between the files of a crate, whose tests are left out."""
    modules: dict[tuple[str, ...], _Module] = {}
    for file in sorted(source.rglob("*.rs")):
        path = file.relative_to(source).with_suffix("").parts
        if "tests" not in path:
            path = path[:-1] if path[-1] in ("mod", "lib", "main") else path
            modules[path] = _Module(file, path)
    for module in modules.values():
        _read(module, modules)
    for module in modules.values():
        for line, path in dict.fromkeys(module.used):
            found = _defined(path, modules)
            if found != module.file:
                yield Use(module.file, line, "::".join(path), found)


def _read(module: _Module, modules: dict[tuple[str, ...], _Module]) -> None:
    text = NOT_CODE.sub(_blank, module.file.read_text(encoding="utf-8"))
    text = _without_tests(text)
    inline = _inline_modules(text)

    def add(place: int, path: str) -> tuple[str, ...] | None:
        depth = sum(start < place < end for start, end in inline)
        return _absolute(path.split("::"), module.path, depth, modules)

    for statement in RUST_USE.finditer(text):
        for name, path in _leaves(statement[2]):
            found = add(statement.start(), path)
            if found is None:
                continue
            if statement[1]:
                module.handed_on[name] = found
            else:
                module.used.append((_line(text, statement.start()), found))
    for mention in RUST_PATH.finditer(RUST_USE.sub(_blank, text)):
        rest = re.match(r"(?:::\w+)*", text[mention.end() :])
        found = add(mention.start(), mention[1] + (rest[0] if rest else ""))
        if found is not None:
            module.used.append((_line(text, mention.start()), found))


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _end_of_block(text: str, start: int) -> int:
    depth = 0
    for brace in re.finditer(r"[{}]", text[start:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return start + brace.end()
    return len(text)


def _without_tests(text: str) -> str:
    while found := re.search(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*mod \w+ \{", text):
        end = _end_of_block(text, found.end() - 1)
        text = text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : end]) + text[end:]
    return text


def _inline_modules(text: str) -> list[tuple[int, int]]:
    return [
        (found.end() - 1, _end_of_block(text, found.end() - 1))
        for found in re.finditer(r"\bmod \w+ \{", text)
    ]


def _leaves(tree: str) -> Iterator[tuple[str, str]]:
    """The names that a `use` brings, each with its path."""
    tree = " ".join(tree.split())
    head, brace, rest = tree.partition("{")
    if not brace:
        path, _, alias = tree.partition(" as ")
        yield alias.strip() or path.rsplit("::", 1)[-1].strip(), path.strip()
        return
    depth, start, inside = 0, 0, rest[: rest.rindex("}")] + ","
    for place, letter in enumerate(inside):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and not depth:
            if part := inside[start:place].strip():
                for name, path in _leaves(part):
                    whole = head.strip() + path
                    whole = whole.removesuffix("::self")
                    yield whole.rsplit("::", 1)[-1] if name == "self" else name, whole
            start = place + 1


def _absolute(
    parts: list[str],
    module: tuple[str, ...],
    depth: int,
    modules: dict[tuple[str, ...], _Module],
) -> tuple[str, ...] | None:
    """The path from the crate's root; none where it leads out of the crate."""
    if parts[0] == "crate":
        return tuple(parts[1:])
    if parts[0] not in ("self", "super"):
        child = (*module, parts[0])
        return (*module, *parts) if child in modules else None
    base = module
    while parts and parts[0] in ("self", "super"):
        if parts[0] == "super":
            base, depth = (base, depth - 1) if depth else (base[:-1], 0)
        parts = parts[1:]
    return (*base, *parts)


def _defined(path: tuple[str, ...], modules: dict[tuple[str, ...], _Module]) -> Path:
    """The file that defines what the path names."""
    for _ in range(8):  # re-exports of re-exports
        length = next(size for size in range(len(path), -1, -1) if path[:size] in modules)
        module, rest = modules[path[:length]], path[length:]
        if not rest or rest[0] not in module.handed_on:
            break
        path = (*module.handed_on[rest[0]], *rest[1:])
    return module.file


def python_uses(package: Path, left_out: Path) -> Iterator[Use]:
    """The imports between the files of a package, also those inside functions."""
    for file in sorted(package.rglob("*.py")):
        if file.is_relative_to(left_out):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for name in _imported(node, file.relative_to(package.parent)):
                needed = _python_file(package, name)
                if needed and needed != file and not needed.is_relative_to(left_out):
                    yield Use(file, getattr(node, "lineno", 0), name, needed)


def _imported(node: ast.AST, file: Path) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            above = file.parts[:-level] if level else ()
            return [
                ".".join([*above, *([module] if module else []), alias.name]) for alias in names
            ]
        case ast.Call(
            func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]
        ):
            return [name]
    return []


def _python_file(package: Path, name: str) -> Path | None:
    """The file of a module, or of the module that has the name."""
    first, *parts = name.split(".")
    if first != package.name:
        return None
    place = package
    for part in parts:
        if (place / part).is_dir():
            place /= part
        elif (file := place / f"{part}.py").is_file():
            return file
        else:
            break
    return place / "__init__.py"


def knots(
    uses: list[Use], room: Callable[[Path], str]
) -> Iterator[dict[tuple[str, str], list[Use]]]:
    """The circles: for each set of rooms that all need each other, the uses between two of them."""
    edges: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        edges[room(use.file)].add(room(use.needed))
    reached = {name: _reached(name, edges) for name in edges}
    found = {
        frozenset(other for other in reached[name] if name in reached.get(other, ()))
        for name in edges
    }
    for knot in sorted((knot for knot in found if len(knot) > 1), key=sorted):
        tied: dict[tuple[str, str], list[Use]] = defaultdict(list)
        for use in uses:
            pair = room(use.file), room(use.needed)
            if pair[0] != pair[1] and knot.issuperset(pair):
                tied[pair].append(use)
        yield tied


def _reached(start: str, edges: dict[str, set[str]]) -> set[str]:
    found, waiting = set[str](), [start]
    while waiting:
        for name in edges.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
