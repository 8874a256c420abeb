"""The interpreter imports this before the program, since the folder is on PYTHONPATH: `oxitel run`
has put it there, or whoever sets what `oxitel env` prints.

Any Python may come by here, also one that is old or has no Oxitel: nothing here is new in the
language, which Python 2 reads too. The program finds its path as it would be without us.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

import os
import sys

# `oxitel.variables.zero_code.ENABLED`; read here, since off means that nothing of ours is imported.
_SWITCH = "OXITEL_ENABLED"


def _begin():
    folder = os.path.dirname(os.path.abspath(__file__))
    # PYTHONPATH keeps it, for child processes.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
    if os.environ.get(_SWITCH, "").strip().lower() == "false":
        _begin_as_without_us()
        return
    try:
        start = _prepared()
    except Exception as error:
        sys.stderr.write(
            "oxitel: no telemetry from this process: %s, or set %s=false\n" % (error, _SWITCH)
        )
        _begin_as_without_us()
        return
    try:
        _begin_as_without_us()
    finally:
        start(folder)


def _prepared():
    """What sets everything up. Raises with the reason where Oxitel cannot work."""
    if sys.version_info < (3, 10):
        version = ".".join(map(str, sys.version_info[:2]))
        raise ImportError("oxitel needs CPython 3.10 or newer, and this is %s" % version)
    try:
        import oxitel  # noqa: F401
    except ImportError:
        install = "%s -m pip install oxitel" % sys.executable
        raise ImportError("oxitel is not installed for this interpreter: %s" % install)
    from oxitel.setup.zero_code.start import prefer_native, start

    prefer_native()
    return start


def _begin_as_without_us():
    """Import the sitecustomize that the interpreter would have found without us, if any."""
    try:
        from importlib.machinery import PathFinder
        from importlib.util import module_from_spec
    except ImportError:
        return

    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        # In our place: that is the one that an import of the name is for.
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


_begin()
