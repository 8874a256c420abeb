"""Makes the folder that the OpenTelemetry operator copies into a container for Python: Oxitel and
what it needs, for several Pythons side by side (docs/switching.md). Needs nothing but pip.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# What the oldest system that we have wheels for can load.
_PLATFORMS = {
    "glibc": ("manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux_2_5", "manylinux1"),
    "musl": ("musllinux_1_2", "musllinux_1_1"),
}
# Where the operator has Python look first.
_SITECUSTOMIZE = "opentelemetry/instrumentation/auto_instrumentation/sitecustomize.py"
_OURS = "oxitel/setup/zero_code/path/sitecustomize.py"
# Comes before the pod's, which may be too old.
_BASE = "opentelemetry-instrumentation"
# The parts of a wheel's `.data` folder that belong beside its modules.
_BESIDE = ("platlib", "purelib")


def main() -> int:
    options = _options()
    folder: Path = options.out
    if folder.exists() and any(folder.iterdir()):
        print(f"{folder} is not empty", file=sys.stderr)
        return 2
    platforms = options.platform or [
        f"{name}_{options.machine}" for name in _PLATFORMS[options.libc]
    ]
    versions: dict[str, str] = {}
    for python in options.python or PYTHONS:
        with tempfile.TemporaryDirectory() as wheels:
            _download(options, python, platforms, versions, Path(wheels))
            for wheel in sorted(Path(wheels).glob("*.whl")):
                name, version = wheel.name.split("-")[:2]
                versions[re.sub(r"[-_.]+", "-", name).lower()] = version
                _unpack(wheel, folder)
    # Runs the program's own sitecustomize too, and obeys OXITEL_ENABLED.
    shutil.copyfile(folder / _OURS, folder / _SITECUSTOMIZE)
    for name, version in sorted(versions.items()):
        print(name, version)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", nargs="*", default=["oxitel"], help="default: oxitel")
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder that is empty or not there"
    )
    parser.add_argument("--python", action="append", help=f"default: {', '.join(PYTHONS)}")
    parser.add_argument("--libc", choices=_PLATFORMS, default="glibc")
    parser.add_argument("--machine", default="x86_64", help="or aarch64")
    parser.add_argument("--platform", action="append", help="a wheel's tag, in place of these two")
    parser.add_argument("--find-links", help="a folder with wheels that are on no index")
    return parser.parse_args()


def _download(
    options: argparse.Namespace,
    python: str,
    platforms: list[str],
    versions: dict[str, str],
    folder: Path,
) -> None:
    """Wheels for one Python. Modules are shared by all, so each package has one version."""
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--only-binary", ":all:", "--implementation", "cp", "--python-version", python),
            *(argument for name in platforms for argument in ("--platform", name)),
            *("--constraint", str(constraints), "--dest", str(folder)),
            *(["--find-links", options.find_links] if options.find_links else []),
            *options.requirements,
            _BASE,
        ],
        check=True,
    )


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry, path in _files(archive):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))
            # The container's user is not the one who made this.
            target.chmod(0o644)


def _files(archive: zipfile.ZipFile) -> Iterator[tuple[str, PurePosixPath]]:
    """Each file that is imported or describes the package, and where it goes."""
    for entry in archive.namelist():
        path = PurePosixPath(entry)
        if path.is_absolute() or ".." in path.parts or entry.endswith("/"):
            continue
        if path.parts[0].endswith(".data"):
            if len(path.parts) < 3 or path.parts[1] not in _BESIDE:
                continue
            path = PurePosixPath(*path.parts[2:])
        yield entry, path


if __name__ == "__main__":
    sys.exit(main())
