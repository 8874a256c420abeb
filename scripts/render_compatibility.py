"""Writes the differences that the differential tests declare into docs/compatibility.md.

Run it after a change of tests/official/differential/differences.py;
tests/repository/test_docs.py compares.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/compatibility.md"
MARKED = re.compile(r"(<!-- differential -->\n).*?(<!-- /differential -->)", re.DOTALL)


def rendered(page: str) -> str:
    """The page with the table as the declarations say it now."""
    command = [sys.executable, "-m", "official.differential"]
    table = subprocess.run(
        command, cwd=ROOT / "tests", check=True, capture_output=True, text=True
    ).stdout
    return MARKED.sub(lambda found: found[1] + table + found[2], page)


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
