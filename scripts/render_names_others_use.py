"""Finds what packages that build on the SDK and its exporters take of them, and writes
docs/names-others-use.md: each name, who needs it, and whether it is there.

`python scripts/render_names_others_use.py FOLDER` reads the wheels and source distributions in a
folder (`pip download --no-deps --dest FOLDER PACKAGE…`) into docs/names-others-use.json; without a
folder the page is written from that. Needs .venv and .venv-official.
"""

import ast
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs/names-others-use.json"
PAGE = ROOT / "docs/names-others-use.md"
OURS = ("opentelemetry.sdk", "opentelemetry.exporter.otlp")
# Run in either environment: which attributes the objects of each class have.
DESCRIPTION = ROOT / "scripts/describe_names.py"


def sources(archive: Path) -> Iterator[tuple[str, str]]:
    """The Python files in a wheel or a source distribution, without their tests."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            contents = {name: file.read(name) for name in file.namelist() if name.endswith(".py")}
    else:
        with tarfile.open(archive) as file:
            contents = {}
            for member in file.getmembers():
                opened = file.extractfile(member) if member.name.endswith(".py") else None
                if opened is not None:
                    contents[member.name] = opened.read()
    for name, content in contents.items():
        if b"opentelemetry" in content and not re.search(r"(^|/)(tests?|vendor|_vendor)/", name):
            yield name, content.decode("utf-8", "replace")


class Uses(ast.NodeVisitor):
    """What a file imports of ours, and the private attributes it reads of what is not its own."""

    def __init__(self) -> None:
        self.imported: set[str] = set()
        self.read: set[str] = set()
        self.own: set[str] = set()
        self.modules: dict[str, str] = {}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and node.module.startswith(OURS) and node.level == 0:
            for alias in node.names:
                self.imported.add(f"{node.module}.{alias.name}".removesuffix(".*"))
                self.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.startswith(OURS):
                self.imported.add(alias.name)
                if alias.asname:
                    self.modules[alias.asname] = alias.name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.own.add(node.name)
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Attribute(self, node: ast.Attribute) -> None:
        is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        if is_own and isinstance(node.ctx, ast.Store):
            self.own.add(node.attr)
        if isinstance(node.value, ast.Name) and node.value.id in self.modules:
            self.imported.add(f"{self.modules[node.value.id]}.{node.attr}")
        elif node.attr.startswith("_") and not node.attr.startswith("__") and not is_own:
            self.read.add(node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        named = isinstance(node.func, ast.Name) and node.func.id in (
            "getattr",
            "hasattr",
            "setattr",
        )
        if named and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            name = node.args[1].value
            if isinstance(name, str) and name.startswith("_") and not name.startswith("__"):
                self.read.add(name)
        self.generic_visit(node)


def uses_of(archive: Path) -> dict[str, list[str]]:
    imported: set[str] = set()
    read: set[str] = set()
    own: set[str] = set()
    for _, text in sources(archive):
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        uses = Uses()
        uses.visit(tree)
        if uses.imported or "opentelemetry" in text:
            imported |= uses.imported
            read |= uses.read
            own |= uses.own
    return {"imported": sorted(imported), "read": sorted(read - own)}


def described(python: Path, names: list[str]) -> dict[str, Any]:
    run = subprocess.run(
        [python, DESCRIPTION],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def page(packages: dict[str, dict[str, Any]]) -> str:
    importers: dict[str, list[str]] = defaultdict(list)
    readers: dict[str, list[str]] = defaultdict(list)
    for package, uses in packages.items():
        for name in uses["imported"]:
            importers[name].append(package)
        for name in uses["read"]:
            readers[name].append(package)
    names = sorted(importers)
    official = described(ROOT / ".venv-official/bin/python", names)
    ours = described(ROOT / ".venv/bin/python", names)
    # Names that the official packages of today do not have, either, are older or newer ones.
    known = [name for name in names if official["there"][name]]
    missing = [name for name in known if not ours["there"][name]]
    private = [name for name in known if re.search(r"\._(?!logs\b)", name)]
    shown = sorted({*missing, *private})
    attributes = []
    for name in sorted(readers):
        having = [kind for kind, all_ in official["objects"].items() if name in all_]
        lacking = [kind for kind in having if name not in ours["objects"][kind]]
        if having:
            attributes.append((name, having, lacking))
    versions = ", ".join(f"{name} {uses['version']}" for name, uses in sorted(packages.items()))
    lines = [
        f"{len(packages)} packages were read: {versions}.",
        "",
        f"They import {len(known)} names that the official packages have; "
        f"{len(known) - len(missing)} of these are here. The others, and those that are private:",
        "",
        "| name | needed by | here |",
        "|---|---|---|",
        *(
            f"| `{name}` | {', '.join(importers[name])} | {'no' if name in missing else 'yes'} |"
            for name in shown
        ),
        "",
        "Private attributes that they read of something. The classes are those whose objects have "
        "an attribute of that name officially, so a package may mean an object of its own:",
        "",
        "| attribute | of | read by | here |",
        "|---|---|---|---|",
        *(
            f"| `{name}` | {', '.join(having)} | {', '.join(readers[name])} | "
            f"{'yes' if not lacking else 'not of ' + ', '.join(lacking)} |"
            for name, having, lacking in attributes
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    if len(sys.argv) > 1:
        packages = {}
        for archive in sorted(Path(sys.argv[1]).iterdir()):
            if archive.name.endswith((".whl", ".tar.gz")):
                stem = archive.name.removesuffix(".tar.gz").removesuffix(".whl")
                name, version = stem.split("-")[:2]
                packages[name.replace("_", "-")] = {"version": version, **uses_of(archive)}
        text = json.dumps(packages, indent=1, sort_keys=True)
        RESULTS.write_text(text + "\n", encoding="utf-8")
    packages = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition("<!-- rendered -->")
    _, _, tail = rest.partition("<!-- /rendered -->")
    PAGE.write_text(
        f"{head}<!-- rendered -->\n{page(packages)}\n<!-- /rendered -->{tail}", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
