"""Keeps a wrong name in OTEL_PROPAGATORS from breaking the import of `opentelemetry.propagate`,
which reads the variable and raises for a name that no package has.
"""

from __future__ import annotations

import sys

from oxitel.variables.variable import say_once
from oxitel.variables.zero_code import PROPAGATORS


def leave_out_unknown() -> None:
    """Take the names that stand for nothing out of the variable, and say so. To be called before
    anything imports `opentelemetry.propagate`."""
    text = PROPAGATORS.text()
    if text is None or "opentelemetry.propagate" in sys.modules:
        return
    from . import plugins

    known = {"none", *plugins.names("opentelemetry_propagator")}
    names = PROPAGATORS.parse(text)
    kept = [name for name in names if name in known or name.lower() == "none"]
    if len(kept) == len(names):
        return
    used = ",".join(kept) or "tracecontext,baggage"
    for name in names:
        if name not in kept:
            expected = f"names out of {', '.join(sorted(known))}"
            say_once(PROPAGATORS.name, name, expected, used)
    PROPAGATORS.set(used)
