"""Official path of oxitel.instrumentation.logging's dependencies: none."""

from oxitel.instrumentation.logging import _instruments as _instruments
