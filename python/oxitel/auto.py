"""The switch: `import oxitel.auto` makes the official imports native from here on.

It moves the folder with the official module paths to the front of `sys.path`, where it is found
before an installed `opentelemetry-sdk`. It has to be the program's first OpenTelemetry import.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["activate"]

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_FOLDER = os.path.join(_PACKAGE, "dropin")
# The base of instrumentations, for where the official one is not installed, which otherwise wins.
_BASE = os.path.join(_PACKAGE, "base")
# Ours have a part of these; other distributions import the rest from the official ones.
_PARTIAL_MODULES = (
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.common.http",
)


def activate() -> bool:
    """Put the native modules before the official ones; importing this module does it.

    Modules that only the official packages have are still found there. Returns False, and warns on
    the logger `oxitel`, when an official module that Oxitel would replace has been imported
    already, or when Oxitel cannot work in this environment. Nothing is changed then: half of each
    would be worse.
    """
    from oxitel.fitness import problem

    reason = problem()
    if reason is not None:
        import logging

        logging.getLogger("oxitel").warning("import oxitel.auto changes nothing: %s", reason)
        return False
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
    others = [path for path in sys.path if path != _FOLDER]
    if _BASE not in others:
        others.append(_BASE)
    sys.path[:] = [_FOLDER, *others]
    _share_packages(others)
    return True


def _official_module() -> tuple[str, str] | None:
    """The first imported module, and its file, that we would replace and that is not ours."""
    for name, module in list(sys.modules.items()):
        # The official propagators of other distributions work with either SDK.
        if not name.startswith("opentelemetry.") or name.startswith("opentelemetry.propagators."):
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


def _share_packages(paths: list[str]) -> None:
    """Have each package of ours find the modules that only its official namesake has.

    Namespace packages do that by themselves; a package with an `__init__.py` of ours would hide
    them. Nothing is imported where no official package is installed, nor for one that has no more
    than ours: importing all of them takes a program that uses two of them long.
    """
    for name in _PARTIAL_MODULES:
        file = os.path.join(*name.split(".")) + ".py"
        for path in paths:
            if os.path.isfile(os.path.join(path, file)):
                _complete(_imported(name), os.path.join(path, file))
                break
    for folder, _, files in os.walk(_FOLDER):
        if "__init__.py" not in files:
            continue
        parts = os.path.relpath(folder, _FOLDER).split(os.sep)
        namesakes = [os.path.join(path, *parts) for path in paths]
        namesakes = [path for path in namesakes if os.path.isfile(path + os.sep + "__init__.py")]
        if any(_modules_in(path) - _modules_in(folder) for path in namesakes):
            try:
                package = _imported(".".join(parts))
            except ModuleNotFoundError:
                # The library of that instrumentation is missing: nobody else can import it either.
                continue
            package.__path__ += [path for path in namesakes if path not in package.__path__]


def _modules_in(folder: str) -> set[str]:
    names = {name.partition(".")[0] for name in os.listdir(folder) if name != "py.typed"}
    return names - {"__pycache__"}


def _imported(name: str) -> "ModuleType":
    __import__(name)
    return sys.modules[name]


def _complete(module: "ModuleType", file: str) -> None:
    """Have `module` give what it lacks from the official module in `file`, loaded when needed."""
    official: ModuleType | None = None

    def lacking(name: str) -> object:
        nonlocal official
        if name.startswith("__"):
            raise AttributeError(name)
        if official is None:
            from importlib.util import module_from_spec, spec_from_file_location

            spec = spec_from_file_location(f"{module.__name__}_official", file)
            if spec is None or spec.loader is None:
                raise AttributeError(name)
            official = module_from_spec(spec)
            # Dataclasses look their own module up.
            sys.modules[spec.name] = official
            spec.loader.exec_module(official)
        return getattr(official, name)

    module.__dict__["__getattr__"] = lacking


activate()
