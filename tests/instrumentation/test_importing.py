"""Hooks that wait for a module: what they are called with, and what the module is like then."""

import copy
import importlib
import pickle
import sys
import threading
import time
import warnings
import zipfile
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from unittest.mock import MagicMock

import pytest
import wrapt

from oxitel.instrumentation.importing import when_imported


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for modules, which are forgotten with it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_hook_is_called_once_with_the_whole_module_as_it_would_be_without(folder):
    (folder / "awaited.py").write_text("import sys\nloader = __loader__\nvalue = 1\n")
    seen = []
    when_imported("awaited", lambda module: seen.append(module.value))
    assert seen == []
    import awaited

    assert seen == [1]
    assert type(awaited.__loader__) is SourceFileLoader
    assert awaited.__loader__ is awaited.__spec__.loader is awaited.loader
    importlib.reload(awaited)
    assert seen == [1]
    when_imported("awaited", lambda module: seen.append(module))
    assert seen == [1, awaited]


def test_hooks_of_wrapts_and_ours_wait_for_the_same_module(folder):
    for name in ("first", "second"):
        (folder / f"{name}.py").write_text("value = 1\n")
    seen = []
    wrapt.register_post_import_hook(lambda module: seen.append("wrapt"), "first")
    when_imported("first", lambda module: seen.append("ours"))
    when_imported("second", lambda module: seen.append("ours"))
    wrapt.register_post_import_hook(lambda module: seen.append("wrapt"), "second")
    import first
    import second

    assert sorted(seen) == ["ours", "ours", "wrapt", "wrapt"]
    assert first.value == second.value == 1


def test_a_module_of_a_package_and_one_in_an_archive_are_waited_for(folder, monkeypatch):
    (folder / "outer").mkdir()
    (folder / "outer" / "__init__.py").touch()
    (folder / "outer" / "inner.py").touch()
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("packed.py", "value = 2\n")
        archive.writestr("beside.py", "value = 3\n")
    monkeypatch.syspath_prepend(str(folder / "archive.zip"))
    seen = []
    when_imported("outer.inner", lambda module: seen.append(module.__name__))
    when_imported("packed", lambda module: seen.append(module.value))
    import beside

    importlib.import_module("outer.inner")
    import packed

    assert seen == ["outer.inner", 2]
    assert packed.__loader__ is packed.__spec__.loader
    assert type(packed.__loader__) is type(beside.__loader__)


def test_an_import_that_fails_is_waited_for_again_and_a_hook_that_raises_is_told(folder, caplog):
    (folder / "late.py").write_text("raise ValueError('not yet')\n")
    seen = []

    def fail(module):
        raise RuntimeError("no")

    when_imported("late", fail)
    when_imported("late", lambda module: seen.append(module.value))
    with pytest.raises(ValueError, match="not yet"):
        import late
    (folder / "late.py").write_text("value = 'second try'\n")
    importlib.invalidate_caches()
    import late

    assert seen == ["second try"] and late.value == "second try"
    assert "Failed to instrument late, which stays as it is" in caplog.text


def test_who_asks_where_a_module_is_gets_a_loader_of_its_class(folder):
    (folder / "looked_for.py").write_text("value = 1\n")
    when_imported("looked_for", lambda module: None)
    spec = find_spec("looked_for")
    assert isinstance(spec.loader, SourceFileLoader)
    assert spec.loader.get_source("looked_for") == "value = 1\n"
    assert spec.loader.get_filename("looked_for") == spec.origin
    assert find_spec("nowhere_at_all") is None


def test_a_module_that_another_thread_imports_is_waited_for(folder):
    (folder / "slow.py").write_text("import time\nbegun = True\ntime.sleep(0.5)\nvalue = 1\n")
    thread = threading.Thread(target=importlib.import_module, args=("slow",))
    thread.start()
    while not hasattr(sys.modules.get("slow"), "begun"):
        time.sleep(0.01)
    seen = []
    when_imported("slow", lambda module: seen.append(module.value))
    thread.join()
    assert seen == [1]


def test_what_is_found_can_be_copied_compared_and_changed_as_without_hooks(folder):
    (folder / "copied.py").write_text("value = 1\n")
    when_imported("copied", lambda module: None)
    spec = find_spec("copied")
    assert spec == find_spec("copied") == copy.deepcopy(spec)
    assert type(pickle.loads(pickle.dumps(spec.loader))) is SourceFileLoader
    spec.loader.source_to_code = lambda data, path: compile("value = 99", path, "exec")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.value == 99


def test_every_way_to_load_calls_the_hooks_and_finders_are_asked_by_name(folder):
    (folder / "by_hand.py").write_text("value = 1\n")
    seen = []
    when_imported("by_hand", lambda module: seen.append(module.value))
    own = next(f for f in sys.meta_path if type(f).__module__ == when_imported.__module__)
    assert own.find_spec(fullname="nowhere_at_all", path=None) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        find_spec("by_hand").loader.load_module("by_hand")
    assert seen == [1]


def test_odd_modules_are_imported_and_called_with(folder, monkeypatch):
    (folder / "nameless.py").write_text("del __name__, __spec__\nvalue = 1\n")
    seen = []
    when_imported("nameless", lambda module: seen.append(module.value))
    importlib.import_module("nameless")
    assert seen == [1]

    class Finder:
        """Gives the same spec each time."""

        def __init__(self):
            self.spec = spec_from_file_location("same", folder / "same.py")

        def find_spec(self, fullname, path=None, target=None):
            return self.spec if fullname == "same" else None

    (folder / "same.py").write_text("value = 2\n")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    when_imported("same", lambda module: seen.append(module.value))
    for _ in range(2000):
        find_spec("same")
    import same

    assert seen == [1, 2] and same.value == 2
    monkeypatch.setitem(sys.modules, "mocked", MagicMock())
    when_imported("mocked", lambda module: 1 / 0)
