"""The documents: their Python examples run, their links lead somewhere, and what they say is pinned
by a test is."""

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [
        *(
            ROOT / name
            for name in (
                "README.md",
                "ARCHITECTURE.md",
                "CONTRIBUTING.md",
                "CHANGELOG.md",
                "SECURITY.md",
            )
        ),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
# An indented block is part of a list.
PYTHON_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def examples() -> list[Any]:
    found = []
    for document in DOCUMENTS:
        if document.name == "tutorial.md":  # one walk from block to block: tests/tutorial
            continue
        text = document.read_text(encoding="utf-8")
        for number, match in enumerate(PYTHON_BLOCK.finditer(text), 1):
            indent, block = match.groups()
            source = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
            found.append(pytest.param(source, id=f"{name_of(document)}:{number}"))
    return found


@pytest.mark.parametrize("source", examples())
def test_an_example_runs_and_what_it_traces_arrives(
    source: str,
    collector: Any,
    run_program: Callable[..., Any],
    request: pytest.FixtureRequest,
) -> None:
    if "localhost:9092" in source:
        source = source.replace("localhost:9092", request.getfixturevalue("broker"))
    source = source.replace("http://localhost:4317", collector.grpc_endpoint)
    source = source.replace("http://localhost:4318", collector.http_endpoint)
    result = run_program(source)
    said = result.stderr.splitlines()
    if "configure_json" in source:
        # What the example shows.
        assert json.loads(said.pop())["level"] == "INFO"
    assert (result.exit_code, said) == (0, [])
    made = re.findall(r"start_as_current_span\(\"([^\"]+)\"", source)
    if made and "OTLPSpanExporter" in source:
        arrived = [span["name"] for span in collector.wait_for(len(made))]
        assert sorted(arrived) == sorted(made)


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_inside_the_repository_lead_somewhere(document: Path) -> None:
    for path, anchor in LINK.findall(document.read_text(encoding="utf-8")):
        if "://" in path:
            continue
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{name_of(document)} links to {path}"
        assert target.is_relative_to(ROOT)
        if anchor:
            assert anchor[1:] in headings(target), f"{name_of(document)} links to {path}{anchor}"


def rows() -> list[tuple[str, str]]:
    """The first and the last cell of each row of the tables written by hand."""
    text = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
    text = text.split("<!-- differential -->")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [
        (row[0], row[-1]) for row in cells if row[-1] != "test" and not row[0].startswith("---")
    ]


@pytest.mark.parametrize(("case", "test"), rows(), ids=[case for case, _ in rows()])
def test_a_difference_is_held_by_a_test(case: str, test: str) -> None:
    found = re.fullmatch(r"`([\w/.]+)::(\w+)`", test)
    assert found, f"the row {case!r} names no test"
    path, name = found.groups()
    defined = re.search(rf"\b(def|fn) {name}\(", (ROOT / path).read_text(encoding="utf-8"))
    assert defined, f"{path} has no {name}"


def test_the_table_of_the_differential_tests_is_what_they_declare() -> None:
    spec = importlib.util.spec_from_file_location(
        "render_compatibility", ROOT / "scripts/render_compatibility.py"
    )
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
    assert script.rendered(page) == page, "run scripts/render_compatibility.py"


def test_there_are_differences_and_examples_to_check() -> None:
    assert len(rows()) >= 10
    assert len(examples()) >= 5


def test_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert 6 <= len(targets) <= 12
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for code in re.findall(r"`([^`\n]+)`|^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for target in re.findall(r"^\s*make ([a-z-]+)", "\n".join(code), re.MULTILINE):
                assert target in targets, f"{name_of(document)} says make {target}"


# What PyPI shows, where a link into the repository leads nowhere by itself.
ON_PYPI = ("README.md", "crates/viewer/README.md")


@pytest.mark.parametrize("name", ON_PYPI)
def test_links_of_what_pypi_shows_are_absolute_and_lead_somewhere(name: str) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (home,) = re.findall(r'^Homepage = "(.+)"$', project, re.MULTILINE)
    links = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
    assert links
    for path, anchor in links:
        assert "://" in path, f"{name}: {path} is relative"
        if path.startswith(home):
            place = path.removeprefix(f"{home}/blob/main/").removeprefix(f"{home}/tree/main/")
            target = ROOT / place
            assert target.exists(), f"{name} links to {path}"
            if anchor:
                assert anchor[1:] in headings(target), f"{name} links to {path}{anchor}"


def test_both_distributions_name_the_same_addresses() -> None:
    def urls(path: str) -> dict[str, str]:
        text = (ROOT / path).read_text(encoding="utf-8")
        part = text.partition("[project.urls]\n")[2].partition("\n\n")[0]
        return dict(line.split(" = ", 1) for line in part.splitlines())

    ours, viewers = urls("pyproject.toml"), urls("crates/viewer/pyproject.toml")
    assert ours.keys() == viewers.keys()
    for name in ("Homepage", "Source", "Changelog", "Issues"):
        assert ours[name] == viewers[name]
