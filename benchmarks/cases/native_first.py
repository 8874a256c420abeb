"""Ours before contrib's instrumentations, which are in that environment, too."""

import importlib.util

if importlib.util.find_spec("oxitel"):
    import oxitel.auto  # noqa: F401
