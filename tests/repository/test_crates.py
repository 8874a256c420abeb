"""scripts/check_crates.py: licences, their texts, second versions and advisories are noticed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import check_crates
import crates


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT/Apache-2.0", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MIT OR GPL-3.0-only AND ISC", True),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", True),
        ("(MIT OR ISC) AND GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("none", False),
    ],
)
def test_a_licence_is_allowed_if_what_we_allow_meets_it(expression: str, expected: bool) -> None:
    assert check_crates.is_allowed(expression) is expected


ADVISORY = """```toml
[advisory]
id = "RUSTSEC-2099-0001"
package = "bytes"
{more}

[versions]
patched = [
  ">= 2.1.3",
  "^1.9.4",
]
unaffected = ["< 1.2.0"]
```

# Something is wrong
"""


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        *(("1.1.9", False), ("1.2.0", True), ("1.9.3", True), ("1.9.4", False), ("1.10.0", False)),
        *(("2.0.0", True), ("2.1.3-rc.1", True), ("2.1.3", False), ("2.1.4+build", False)),
    ],
)
def test_an_advisory_is_of_the_versions_it_names(version: str, expected: bool) -> None:
    crate = crates.Crate("bytes", version, "MIT", Path())
    assert check_crates.is_affected(crate, ADVISORY.format(more="")) is expected


@pytest.mark.parametrize("more", ['withdrawn = "2099-01-01"', 'informational = "unmaintained"'])
def test_an_advisory_that_is_withdrawn_or_of_no_harm_is_passed_over(more: str) -> None:
    crate = crates.Crate("bytes", "1.2.0", "MIT", Path())
    assert check_crates.is_affected(crate, ADVISORY.format(more="")) is True
    assert check_crates.is_affected(crate, ADVISORY.format(more=more)) is False


def test_what_is_linked_and_wrong_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = [crate for crate in crates.linked("oxitel-python") if crate.name == "bytes"]
    folder = tmp_path / "crates" / "bytes"
    folder.mkdir(parents=True)
    harmful = ADVISORY.format(more="").replace('"< 1.2.0"', "").replace("^1.9.4", "> 99.0.0")
    (folder / "RUSTSEC-2099-0001.md").write_text(harmful, encoding="utf-8")
    monkeypatch.setenv("ADVISORY_DB", str(tmp_path))
    monkeypatch.setattr(check_crates, "ALLOWED", {"MIT"})
    monkeypatch.setattr(check_crates, "SIDE_BY_SIDE", {"bytes": "nobody"})
    monkeypatch.setattr(check_crates, "texts", lambda crate: [])
    assert list(check_crates.advisories()) == [
        f"bytes {found.version}: https://rustsec.org/advisories/RUSTSEC-2099-0001"
    ]
    assert any(line.startswith("ring 0.") for line in check_crates.licenses())
    assert f"bytes {found.version}: comes without the text of its licence" in list(
        check_crates.pages()
    )
    said = list(check_crates.duplicates())
    assert any(line.startswith("getrandom: oxitel-python is linked with 0.2.") for line in said)
    assert "bytes: is linked in one version now, SIDE_BY_SIDE names it" in said


def test_the_page_names_what_is_linked_and_nothing_that_only_builds_it() -> None:
    page = crates.rendered("oxitel-python")
    lines = page.splitlines()
    for name in ("pyo3", "ring", "rustls", "zstd-sys", "schannel", "security-framework"):
        assert any(line.startswith(f"{name} ") for line in lines), name
    for name in ("cc", "syn", "pyo3-macros", "proptest", "criterion", "wasi"):
        assert not any(line.startswith(f"{name} ") for line in lines), name
    # C code that crates bring along.
    assert "Meta Platforms" in page
    assert "Brian Smith" in page
    assert "GNU GENERAL PUBLIC LICENSE" not in page
