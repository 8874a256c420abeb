"""The switch: `import oxitel.auto` makes the official imports native from here on.

It moves the folder with the official module paths to the front of `sys.path`, where it is found
before an installed `opentelemetry-sdk`. It has to be the program's first OpenTelemetry import.
"""

import os
import sys

__all__ = ["activate"]

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dropin")


def activate() -> bool:
    """Put the native modules before the official ones; importing this module does it.

    Returns False, and says so as a warning of the logger `oxitel`, when an official module that
    Oxitel would replace is imported already. Nothing is changed then: half of each would be worse.
    """
    early = _official_module()
    if early is not None:
        # Imported here, since a program that is in time needs no logging from us.
        import logging

        logging.getLogger("oxitel").warning(
            "import oxitel.auto came too late: %s is already imported from %s, so the official "
            "packages stay in use; import oxitel.auto before anything that imports "
            "opentelemetry.sdk or opentelemetry.exporter.otlp",
            *early,
        )
        return False
    sys.path[:] = [_FOLDER, *(path for path in sys.path if path != _FOLDER)]
    return True


def _official_module() -> tuple[str, str] | None:
    """The first imported module, and its file, that we would replace and that is not ours."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("opentelemetry."):
            continue
        file = getattr(module, "__file__", None)
        ours = os.path.join(_FOLDER, *name.split("."))
        if os.path.isdir(ours):
            ours = os.path.join(ours, "__init__")
        ours += ".py"
        # A namespace package has no file and is shared by everyone.
        if isinstance(file, str) and os.path.isfile(ours) and not _same_file(file, ours):
            return name, file
    return None


def _same_file(one: str, other: str) -> bool:
    """Compared on disk, since `sys.path` may spell the folder through a symbolic link."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


activate()
