"""Runs the Python tests beside other versions of the official API than the one of `.venv`: beside
the oldest and the newest that tests/dropin/api_versions.py lists, or beside those that are named.

    python scripts/try_api_versions.py [VERSION …] [-- PYTEST OPTIONS]

The environments stay in `.work/api-versions`. Run it with the interpreter of `.venv`, after
`make build`. What was found there goes into docs/dropin.md with scripts/render_versions.py.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from dropin.api_versions import NEEDS_NEWER, NEWEST, OLDEST, VERSIONS  # noqa: E402

WORK = ROOT / ".work" / "api-versions"
# They compare with the official packages of one version, build environments of their own, or look
# at the repository or at the viewer, a program of its own.
ELSEWHERE = ("dropin", "official", "repository", "tutorial", "viewer")


def environment(version: str) -> Path:
    """The interpreter of an environment as `.venv`, but with this version of the API and the base
    of instrumentations that was published with it, and without other people's instrumentations."""
    folder = WORK / f"environment-{version}"
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    python = folder / "bin" / "python"
    frozen = uv("pip", "freeze", "--python", sys.executable, "--exclude-editable").splitlines()
    others = [line for line in frozen if not line.startswith(("oxitel", "opentelemetry-"))]
    official = {"opentelemetry-api": version, "opentelemetry-instrumentation": VERSIONS[version]}
    install = ("pip", "install", "--quiet", "--python", str(python))
    uv(*install, "--no-deps", *others)
    uv(*install, *(f"{name}=={wanted}" for name, wanted in official.items()))
    ours = Path(sysconfig.get_path("purelib"))
    for path in ours.glob("oxitel*"):
        target = python.parent.parent / ours.relative_to(sys.prefix) / path.name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, target)
    command = python.with_name("oxitel")
    command.write_text(f"#!{python}\nfrom oxitel.command import main\n\nraise SystemExit(main())\n")
    command.chmod(0o755)
    return python


def uv(*arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return finished.stdout


def run(version: str, options: list[str]) -> bool:
    """Runs the tests; whether none failed. The counts are left in `.work/api-versions`."""
    python = environment(version)
    counts = counted(version, python, [*options, "--reruns=1"])
    if counts["failed"]:
        # Limits of time, on a machine that was busy with the others: once more, by themselves.
        again = ["--last-failed", "--last-failed-no-failures=none", "--numprocesses=0"]
        counts["failed"] = counted(version, python, again)["failed"]
        counts["passed"] = counts["run"] - counts["failed"]
    found = {"passed": counts["passed"], "failed": counts["failed"]}
    (WORK / f"{version}-suite.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    print(f"opentelemetry-api {version}: {found}")
    return not counts["failed"]


def counted(version: str, python: Path, options: list[str]) -> dict[str, int]:
    """How many tests were run, and what became of them."""
    report = WORK / f"{version}.xml"
    command = [
        *(str(python), "-m", "pytest", "-q", f"--junit-xml={report}"),
        *("--override-ini", f"cache_dir={WORK / version}"),
        *(f"--ignore=tests/{room}" for room in ELSEWHERE),
        *(left_out(test) for test in NEEDS_NEWER.get(version, ())),
        *options,
    ]
    report.unlink(missing_ok=True)
    subprocess.run(command, cwd=ROOT, env=os.environ, check=False)
    suite = next(ElementTree.parse(report).iter("testsuite"))
    bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    run = int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
    return {"run": run, "passed": run - bad, "failed": bad}


def left_out(test: str) -> str:
    """A whole file need not even be imported."""
    return f"--deselect={test}" if "::" in test else f"--ignore={test}"


def main(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    WORK.mkdir(parents=True, exist_ok=True)
    versions = arguments[:split] or [OLDEST, NEWEST]
    passed = [run(version, arguments[split + 1 :]) for version in versions]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
