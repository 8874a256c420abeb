"""A release is one tag away: what has to agree does, and what is uploaded can be installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import check_release

ROOT = check_release.ROOT


def test_the_versions_agree() -> None:
    assert list(check_release.problems(None)) == []


def test_a_tag_of_another_version_is_refused() -> None:
    problems = list(check_release.problems("v99.0.0"))
    assert problems[0] == f"the tag is v99.0.0, and Cargo.toml has {check_release.version()}"


def test_a_tag_without_its_heading_in_the_change_log_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    monkeypatch.setattr(check_release, "ROOT", tmp_path)
    version = check_release.version()
    changes = tmp_path / "CHANGELOG.md"
    changes.write_text("## [Unreleased]\n")
    assert list(check_release.problems(f"v{version}")) == [
        f"CHANGELOG.md has no heading `## [{version}] - YYYY-MM-DD`"
    ]
    changes.write_text(f"## [Unreleased]\n\n## [{version}] - 2026-12-01\n")
    assert list(check_release.problems(f"v{version}")) == []


def workflow() -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def test_nothing_is_uploaded_that_was_not_checked() -> None:
    jobs = workflow()["jobs"]
    needed: set[str] = set()
    waiting = ["publish"]
    while waiting:
        needs = jobs[waiting.pop()].get("needs", [])
        waiting += [job for job in needs if job not in needed]
        needed.update(needs)
    assert needed == set(jobs) - {"publish"}


def test_the_workflow_builds_for_the_pythons_that_the_package_names() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)
    built = workflow()["env"]["INTERPRETERS"].split()
    assert named == [version for version in built if not version.endswith("t")]
    assert workflow()["env"]["TRAINED"].split() == named


@pytest.mark.skipif(sys.platform == "win32", reason="the folder is searched as on Linux")
def test_a_folder_is_index_enough_for_a_user(tmp_path: Path) -> None:
    """The wheel of this run (OXITEL_WHEEL), where there is one, beside nothing else."""
    wheel = os.environ.get("OXITEL_WHEEL")
    if wheel is None:
        pytest.skip("`python scripts/try_release.py` builds one")
    folder = tmp_path / "environment"
    subprocess.run(
        [sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, str(folder)],
        check=True,
    )
    python = folder / "bin" / "python"
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python)),
        *("--refresh-package", "oxitel", "--find-links", str(Path(wheel).parent)),
        f"oxitel=={check_release.version()}",
    ]
    subprocess.run(command, check=True, timeout=300)
    program = ROOT / "scripts" / "smoke_test.py"
    environment = {name: text for name, text in os.environ.items() if name[:6] != "PYTHON"}
    subprocess.run([python, program], check=True, cwd=tmp_path, env=environment, timeout=120)
