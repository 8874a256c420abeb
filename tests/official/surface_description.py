"""Describes the public names of some modules as JSON: `python surface_description.py MODULE…`.
With `--incidental` first it lists what they import, the standard library aside.

Runs in either environment, so it uses the standard library only.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import logging
import sys
import types
from typing import Any

OURS = (
    "opentelemetry.sdk",
    "opentelemetry.exporter",
    "opentelemetry.instrumentation.logging",
    "opentelemetry.propagators.b3",
    "opentelemetry.propagators.jaeger",
    "oxitel",
)


def belongs_here(name: str, value: Any) -> bool:
    """Whether a module's name is part of the surface: not what it imports from elsewhere."""
    if name.startswith("__") and name != "__version__":
        return False
    if isinstance(value, types.ModuleType):
        return value.__name__.startswith(OURS)
    module = getattr(value, "__module__", None)
    if isinstance(module, str):
        return module.startswith(OURS)
    # What has no module is a constant of this one, or of one it is imported from.
    return name.lstrip("_").isupper() or name == "__version__"


def describe_module(name: str) -> dict[str, Any]:
    module = importlib.import_module(name)
    return {
        member: describe(value)
        for member, value in members_of(module)
        if belongs_here(member, value)
    }


def members_of(module: types.ModuleType) -> list[tuple[str, Any]]:
    """Also what is looked up when somebody asks for it, as far as it is there."""
    names = [name for name in dir(module) if hasattr(module, name)]
    return [(name, getattr(module, name)) for name in names]


def incidental_names(name: str) -> dict[str, list[str]]:
    """Those names, and all that the module lists: the environment may lack where they are from."""
    module = importlib.import_module(name)
    incidental = [
        member
        for member, value in members_of(module)
        if not member.startswith("__") and is_incidental(member, value)
    ]
    return {"incidental": incidental, "listed": dir(module)}


def is_incidental(name: str, value: Any) -> bool:
    if isinstance(value, types.ModuleType):
        return not is_standard(value.__name__) and not value.__name__.startswith(OURS)
    if isinstance(value, logging.Logger):
        return True
    module = getattr(value, "__module__", None)
    if isinstance(module, str):
        return not is_standard(module) and not module.startswith(OURS)
    return name.isupper() and not name.startswith("_") and name != "TYPE_CHECKING"


def is_standard(module: str) -> bool:
    return module.split(".")[0] in sys.stdlib_module_names


def describe(value: Any) -> dict[str, Any]:
    if isinstance(value, types.ModuleType):
        return {"kind": "module"}
    if isinstance(value, type):
        return describe_class(value) | {"identity": identity_of(value)}
    if callable(value) and hasattr(value, "__name__"):
        described = {"kind": "function", "signature": signature_of(value)}
        return described | {"identity": identity_of(value)}
    return {"kind": "constant", "value": text_of(value)}


def identity_of(value: Any) -> str:
    """What programs know it by: the name of its logger, its entry in a register, its pickle."""
    return f"{value.__module__}.{value.__qualname__} ({value.__name__})"


def describe_class(cls: type) -> dict[str, Any]:
    if issubclass(cls, enum.Enum):
        members = {name: text_of(member.value) for name, member in cls.__members__.items()}
        return {"kind": "enumeration", "members": members}
    everyones = BaseException if issubclass(cls, BaseException) else object
    public = {}
    for name in dir(cls):
        if name.startswith("_") or hasattr(everyones, name):
            continue
        public[name] = describe_attribute(cls, name)
    return {
        "kind": "exception" if issubclass(cls, BaseException) else "class",
        "bases": [base.__name__ for base in cls.__mro__[1:-1] if base.__module__ != "typing"],
        "signature": signature_of(cls),
        "abstract": sorted(getattr(cls, "__abstractmethods__", ())),
        "attributes": public,
    }


def describe_attribute(cls: type, name: str) -> dict[str, Any]:
    value = inspect.getattr_static(cls, name)
    if isinstance(value, (property, types.GetSetDescriptorType, types.MemberDescriptorType)):
        return {"kind": "property"}
    if isinstance(value, staticmethod):
        return {"kind": "static method", "signature": signature_of(getattr(cls, name))}
    if isinstance(value, classmethod):
        return {"kind": "class method", "signature": signature_of(getattr(cls, name))}
    if callable(value):
        return {"kind": "method", "signature": signature_of(value)}
    return {"kind": "value", "value": text_of(value)}


def signature_of(function: Any) -> list[list[str]] | None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    return [
        [parameter.name, parameter.kind.name]
        + ([] if parameter.default is parameter.empty else [text_of(parameter.default)])
        for parameter in signature.parameters.values()
        # Only positional in native classes; nobody passes it by name.
        if parameter.name not in ("self", "cls")
    ]


def text_of(value: Any) -> str:
    """Equal for values that mean the same on both sides."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, types.FunctionType):
        return f"<function {value.__name__}>"
    if hasattr(value, "write"):
        return "<stream>"
    if type(value).__repr__ is object.__repr__:
        return f"<{type(value).__name__}>"
    return repr(value)


if __name__ == "__main__":
    described: dict[str, Any] = {}
    describe_it = describe_module
    if sys.argv[1] == "--incidental":
        describe_it = incidental_names
        del sys.argv[1]
    for module_name in sys.argv[1:]:
        try:
            described[module_name] = describe_it(module_name)
        except ImportError as error:
            described[module_name] = {"__error__": {"kind": "error", "value": str(error)}}
    print(json.dumps(described))
