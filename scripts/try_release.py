"""Makes what a release uploads for this machine, and installs it as a user will:

    python scripts/try_release.py [--profile dev] [--out FOLDER] [--from-sdist]

Wheel and sdist of `oxitel`, the wheel of `oxitel-viewer`; then a bare environment that finds these
in the folder and everything else on the index. Prints the files; fails where something does not
work.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from check_release import ROOT, problems, version

# What building from source needs, and what must not be in it.
_IN_SDIST = ("Cargo.lock", "LICENSE", "README.md", "THIRD-PARTY-LICENSES.txt", "pyproject.toml")
_NOT_IN_SDIST = ("target/", ".venv", ".work/", ".git/", "env.sh")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="release", help="how it is built; dev is quick")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "dist")
    parser.add_argument("--from-sdist", action="store_true", help="build and install that, too")
    options = parser.parse_args()
    found = list(problems(None))
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for file in (*out.glob("*.whl"), *out.glob("*.tar.gz")):
        file.unlink()
    build(options.profile, out)
    (sdist,) = out.glob("oxitel-*.tar.gz")
    check_sdist(sdist)
    try_install(["oxitel[viewer]"], out, options.profile)
    if options.from_sdist:
        try_install([str(sdist)], out, options.profile)
    print("\n".join(sorted(file.name for file in out.iterdir())))
    return 0


def build(profile: str, out: Path) -> None:
    maturin = (sys.executable, "-m", "maturin")
    to = ("--out", str(out), "--quiet")
    trained = ("--pgo",) if profile == "release" and sys.platform == "linux" else ()
    run(*maturin, "build", "--profile", profile, *trained, "--interpreter", sys.executable, *to)
    viewer = str(ROOT / "crates" / "viewer" / "Cargo.toml")
    run(*maturin, "build", "--profile", profile, "--manifest-path", viewer, *to)
    run(*maturin, "sdist", *to[:2])


def check_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    missing = [name for name in _IN_SDIST if name not in names]
    surplus = [name for name in names if name.startswith(_NOT_IN_SDIST)]
    if missing or surplus:
        raise SystemExit(f"{sdist.name}: missing {missing}, not wanted {surplus[:5]}")


def try_install(requirements: list[str], out: Path, profile: str) -> None:
    """In an environment that has nothing else, outside of the repository."""
    with tempfile.TemporaryDirectory(prefix="oxitel-release-") as folder:
        run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, folder)
        python = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
        # The version, or an index that has another one would do as well.
        named = [f"{name}=={version()}" if "/" not in name else name for name in requirements]
        run(
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python)),
            *("--find-links", str(out), "--refresh-package", "oxitel"),
            *("--refresh-package", "oxitel-viewer", *named),
        )
        run(str(python), str(ROOT / "scripts" / "smoke_test.py"), cwd=folder)
        run(str(python), "-m", "oxitel", "doctor", "--no-connect", cwd=folder)
        if "oxitel[viewer]" in requirements:
            viewers = [str(wheel) for wheel in out.glob("oxitel_viewer-*.whl")]
            sized = viewers if profile == "release" else []
            run(str(python), str(ROOT / "scripts" / "smoke_test_viewer.py"), *sized, cwd=folder)


def run(*command: str, cwd: str | Path = ROOT) -> None:
    # What this machine has for its own tests is not what a user has.
    dropped = ("PYTHON", "OXITEL_", "OTEL_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    finished = subprocess.run(
        command, cwd=cwd, env=kept, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        print(finished.stdout, finished.stderr, sep="\n", file=sys.stderr)
        raise SystemExit(f"failed: {' '.join(command[:6])} …")


if __name__ == "__main__":
    sys.exit(main())
