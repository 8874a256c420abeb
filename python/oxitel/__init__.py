"""Oxitel."""

TYPE_CHECKING = False
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """`from oxitel import _native`, the first time: where it cannot be had, the error says why
        and what to do."""
        if name != "_native":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .fitness import problem

        reason = problem()
        if reason is not None:
            raise ModuleNotFoundError(reason, name="oxitel._native")
        from . import _native

        return _native
