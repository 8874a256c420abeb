"""The base of instrumentations that comes along with ours before contrib's, as after
`pip install oxitel` alone; after `native_first`."""

import importlib.util
import sys
from pathlib import Path

_ours = importlib.util.find_spec("oxitel")
if _ours is not None and _ours.origin is not None:
    sys.path.insert(0, str(Path(_ours.origin).parent / "base"))
