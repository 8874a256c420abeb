"""The interpreter imports this before the program; `oxitel run` has put the folder on PYTHONPATH.

Any Python may come by here, also one that is old or has no Oxitel: nothing here is new in the
language. The program finds its path as it would be without us.
"""

import os
import sys


def _begin() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    # PYTHONPATH keeps it, for child processes.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
    try:
        from oxitel.setup.zero_code.start import prefer_native, start

        prefer_native()
    except Exception as error:
        sys.stderr.write(
            f"oxitel run: no telemetry from this process: {sys.executable} cannot import oxitel"
            f" ({error})\n"
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
