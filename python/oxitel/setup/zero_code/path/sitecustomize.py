"""The interpreter imports this before the program, since the folder is on PYTHONPATH: `oxitel run`
has put it there, or whoever sets what `oxitel env` prints.

Any Python may come by here, also one that is old or has no Oxitel: nothing here is new in the
language. The program finds its path as it would be without us.
"""

import os
import sys

# `oxitel.variables.zero_code.ENABLED`; read here, since off means that nothing of ours is imported.
_SWITCH = "OXITEL_ENABLED"


def _begin() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    # PYTHONPATH keeps it, for child processes.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
    if os.environ.get(_SWITCH, "").strip().lower() == "false":
        _begin_as_without_us()
        return
    try:
        from oxitel.setup.zero_code.start import prefer_native, start

        prefer_native()
    except Exception as error:
        sys.stderr.write(
            f"oxitel: no telemetry from this process: {sys.executable} cannot import oxitel"
            f" ({error}); install it for this interpreter, or set {_SWITCH}=false\n"
        )
        _begin_as_without_us()
        return
    try:
        _begin_as_without_us()
    finally:
        start(folder)


def _begin_as_without_us() -> None:
    """Import the sitecustomize that the interpreter would have found without us, if any."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        # In our place: that is the one that an import of the name is for.
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


_begin()
