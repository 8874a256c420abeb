"""What a configuration file has that nobody knows or that cannot be used, as the program's start
says it: everything in the file is made, in a process of its own that ends before anything is sent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from oxitel.variables.zero_code import CONFIG_FILE, ENABLED

from .report import Report

_CHECK = "settings"
_SECONDS = 30.0
_PROGRAM = "from oxitel.doctor.file_keys import main; main()"


def check(report: Report) -> None:
    """Add a finding for each message about the file that is not there yet."""
    path = CONFIG_FILE.text()
    if path is None:
        return
    # Not by `-m`: the folder of the file, not the package's, is what the program would have.
    process = subprocess.run(
        [sys.executable, "-c", _PROGRAM, path],
        env={**os.environ, ENABLED.name: "false"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    told = [finding.text for finding in report.findings]
    for key, problem in json.loads(process.stdout or "[]"):
        if not any(f"{key}: {problem}" in text for text in told):
            advice = ""
            if problem.startswith("not known"):
                advice = "look at its spelling and at where it stands (docs/configuration-file.md)"
            report.find("warning", _CHECK, f"{path}: {key}: {problem}", advice)


def main() -> None:
    """Print the messages about the file that is named by the argument, as JSON, and end at once:
    no provider has anything to shut down."""
    from oxitel.setup.file.configure import messages_about

    messages = messages_about(sys.argv[1])
    sys.stdout.write(json.dumps(messages))
    sys.stdout.flush()
    os._exit(0)
