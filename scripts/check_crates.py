"""Checks the crates that we build on: licences, versions side by side, advisories. `make lint`
runs it.

Advisories are read from a copy of https://github.com/rustsec/advisory-db, where there is one:
ADVISORY_DB names the folder, ~/.cargo/advisory-db is the usual one.
"""

import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from crates import ROOT, SHIPPED, Crate, every_crate, linked, rendered, texts

# Licences that ask for no more than to be passed on with the work.
ALLOWED = {
    *("Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT", "BSD-2-Clause", "BSD-3-Clause"),
    *("ISC", "Unicode-3.0", "Zlib"),
}
# Crates that are linked in two versions, and who holds on to the older one.
SIDE_BY_SIDE = {
    "cpufeatures": "const-hex 1, by opentelemetry-proto 0.33",
    "getrandom": "ring 0.17",
    "rand": "opentelemetry_sdk 0.33",
    "rand_core": "opentelemetry_sdk 0.33",
    "windows-sys": "ring 0.17",
}


def licenses() -> Iterator[str]:
    for crate in every_crate():
        if not is_allowed(crate.license):
            yield f"{crate.name} {crate.version}: its licence is {crate.license}"


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met with the licences that are allowed."""
    words = re.findall(r"\(|\)|[\w.+-]+(?: WITH [\w.-]+)?", expression.replace("/", " OR "))

    def any_of() -> bool:
        met = all_of()
        while words and words[0] == "OR":
            words.pop(0)
            met = all_of() or met
        return met

    def all_of() -> bool:
        met = one()
        while words and words[0] == "AND":
            words.pop(0)
            met = one() and met
        return met

    def one() -> bool:
        word = words.pop(0)
        if word != "(":
            return word in ALLOWED
        met = any_of()
        words.pop(0)
        return met

    return any_of()


def pages() -> Iterator[str]:
    for name, page in SHIPPED.items():
        for crate in linked(name):
            if not texts(crate):
                yield f"{crate.name} {crate.version}: comes without the text of its licence"
        if not page.is_file() or page.read_text(encoding="utf-8") != rendered(name):
            yield f"{page.relative_to(ROOT)}: is out of date, run scripts/render_licenses.py"


def duplicates() -> Iterator[str]:
    found = set()
    for shipped in SHIPPED:
        versions = defaultdict(list)
        for crate in linked(shipped):
            versions[crate.name].append(crate.version)
        for name, several in versions.items():
            if len(several) > 1:
                found.add(name)
                if name not in SIDE_BY_SIDE:
                    yield f"{name}: {shipped} is linked with {' and '.join(several)}"
    for name in sorted(SIDE_BY_SIDE.keys() - found):
        yield f"{name}: is linked in one version now, SIDE_BY_SIDE names it"


def advisories() -> Iterator[str]:
    database = _database()
    if database is None:
        return
    for crate in every_crate():
        for advisory in sorted((database / "crates" / crate.name).glob("RUSTSEC-*.md")):
            if is_affected(crate, advisory.read_text(encoding="utf-8")):
                yield f"{crate.name} {crate.version}: https://rustsec.org/advisories/{advisory.stem}"


def _database() -> Path | None:
    given = Path(os.environ.get("ADVISORY_DB") or Path.home() / ".cargo/advisory-db")
    return given if (given / "crates").is_dir() else None


def is_affected(crate: Crate, advisory: str) -> bool:
    """Whether the advisory is of this version, and of more than that nobody maintains the crate."""
    head = advisory.partition("```toml")[2].partition("```")[0]
    if re.search(
        r'^withdrawn\s*=|^informational\s*=\s*"(unmaintained|notice)"', head, re.MULTILINE
    ):
        return False
    safe = re.findall(r"^(?:patched|unaffected)\s*=\s*\[(.*?)\]", head, re.MULTILINE | re.DOTALL)
    requirements = [text for part in safe for text in re.findall(r'"([^"]+)"', part)]
    return not any(_fits(crate.version, requirement) for requirement in requirements)


def _fits(version: str, requirement: str) -> bool:
    return all(_fits_one(version, part.strip()) for part in requirement.split(","))


def _fits_one(version: str, part: str) -> bool:
    operator, text = re.fullmatch(r"([<>=^~]*)\s*(\S+)", part).groups()  # type: ignore[union-attr]
    have, want = _numbers(version), _numbers(text)
    match operator:
        case ">=":
            return have >= want
        case ">":
            return have > want
        case "<":
            return have < want
        case "<=":
            return have <= want
        case "=":
            return have == want
        case "~":
            return have >= want and have[:2] == want[:2]
    # As Cargo has it: up to the next change of the first number that is not zero.
    fixed = next((place + 1 for place, number in enumerate(want[:3]) if number), 3)
    return have >= want and have[:fixed] == want[:fixed]


def _numbers(version: str) -> tuple[int, ...]:
    """Numbers to compare by; a version before a release counts as less than it."""
    release, _, before = version.partition("+")[0].partition("-")
    numbers = [int(number) for number in release.split(".")]
    return (*numbers, *[0] * (3 - len(numbers)), 0 if before else 1)


def main() -> int:
    rules = (licenses, pages, duplicates, advisories)
    broken = [line for rule in rules for line in rule()]
    looked = "" if _database() else " (advisories: no database here, none was looked up)"
    print("\n".join(broken) if broken else f"crates: all rules hold{looked}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
