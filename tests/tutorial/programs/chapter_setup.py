"""The set-up block, run as the program it is."""

import runpy

from chapter import Chapter

runpy.run_path(str(Chapter().write("Initialize OpenTelemetry")), run_name="__main__")
