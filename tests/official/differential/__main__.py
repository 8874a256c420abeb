"""Prints the deliberate differences as rows of Markdown, for docs/compatibility.md:
`python -m official.differential` in the folder tests."""

from __future__ import annotations

from official.differential.differences import DIFFERENCES

if __name__ == "__main__":
    programs: dict[str, list[str]] = {}
    for row in DIFFERENCES:
        named = programs.setdefault(row.reason, [])
        named.extend(name for name in row.programs if name not in named)
    print("| Difference and its reason | Checked by |")
    print("| --- | --- |")
    for reason, names in programs.items():
        print(f"| {reason} | {', '.join(f'`{name}`' for name in names)} |")
