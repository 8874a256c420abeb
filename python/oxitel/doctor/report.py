"""What the checks have found: facts by section, graded findings, and the exit status.

Every text leaves through `Secrets.mask`, so that no header's value and no password is printed, also
where a receiver or a message repeats it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

GRADES = ("ok", "note", "warning", "error")
"""From what works to what will not."""

MASK = "****"

_Result = TypeVar("_Result")


class Finding(NamedTuple):
    """Something to know, and what to do about it."""

    grade: str
    check: str
    """Which check found it: the name of a section of the report."""
    text: str
    advice: str = ""


class Secrets:
    """Texts that are not to be printed."""

    def __init__(self) -> None:
        self._texts: set[str] = set()

    def add(self, text: str) -> None:
        """Keep `text` from being printed. Less than four characters are no secret, and would be
        found everywhere."""
        text = text.strip()
        if len(text) >= 4:
            self._texts.add(text)

    def mask(self, value: Any) -> Any:
        """`value` with every secret in its texts replaced, through lists and dicts."""
        if isinstance(value, str):
            for text in sorted(self._texts, key=len, reverse=True):
                value = value.replace(text, MASK)
            return value
        if isinstance(value, dict):
            return {key: self.mask(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask(entry) for entry in value]
        return value


class Report:
    """The facts, as what `--json` prints, and the findings."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self.secrets = Secrets()
        self.fails_on = "error"
        """The least grave finding that makes the exit status 1."""

    def find(self, grade: str, check: str, text: str, advice: str = "") -> None:
        """Add a finding, unless it is there already."""
        finding = Finding(grade, check, text, advice)
        if finding not in self.findings:
            self.findings.append(finding)

    def attempt(
        self, check: str, function: Callable[..., _Result], *arguments: Any
    ) -> _Result | None:
        """What `function` returns. Whatever it raises is a finding: a doctor does not fall ill."""
        try:
            return function(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.find(
                "warning",
                check,
                f'not all of "{check}" could be looked at: {describe(error)}',
                "the rest of the report is complete",
            )
            return None

    @property
    def verdict(self) -> str:
        """The gravest grade of all findings."""
        return max((finding.grade for finding in self.findings), key=GRADES.index, default="ok")

    @property
    def exit_status(self) -> int:
        """1 if something will not work, or is as grave as is not wanted; else 0."""
        return 1 if GRADES.index(self.verdict) >= GRADES.index(self.fails_on) else 0

    def sorted_findings(self) -> list[Finding]:
        """The gravest last."""
        return sorted(self.findings, key=lambda finding: GRADES.index(finding.grade))

    def content(self) -> dict[str, Any]:
        """All of it, masked, as `--json` prints it."""
        content = {
            "format": 1,
            "verdict": self.verdict,
            "exit_status": self.exit_status,
            **self.facts,
            "findings": [finding._asdict() for finding in self.sorted_findings()],
        }
        masked: dict[str, Any] = self.secrets.mask(content)
        return masked


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
