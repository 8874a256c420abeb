"""scripts/uses.py, by which `make lint` finds rooms in a circle: it sees each way in which one file
can need another."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from uses import Use, knots, python_uses, rust_uses


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def lines(uses: list[Use], folder: Path) -> list[str]:
    return [
        f"{use.file.relative_to(folder)}:{use.line} {use.needed.relative_to(folder)}"
        for use in uses
    ]


def test_a_use_in_rust_is_seen_however_it_is_written(tmp_path: Path) -> None:
    crate = written(
        tmp_path,
        {
            "lib.rs": "mod high;\nmod low;\npub use low::Kept;\n",
            "low/mod.rs": "mod deep;\nmod names;\npub use deep::Kept;\npub struct Own;\n",
            "low/deep.rs": "use super::{Own, names::{self, One as Other}};\npub struct Kept;\n",
            "low/names.rs": "pub struct One;\n",
            "high.rs": "use crate::{\n    low::Kept as Mine,\n};\n"
            '// use crate::low::Own;\nconst SAID: &str = "crate::low::Own";\n'
            "fn of(_: crate::low::Own) {}\n"
            "#[cfg(test)]\nmod tests {\n    use crate::low::names::One;\n}\n"
            "mod inside {\n    use super::super::Kept;\n}\n",
        },
    )
    assert sorted(lines(list(rust_uses(crate)), crate)) == [
        "high.rs:1 low/deep.rs",
        "high.rs:12 low/deep.rs",
        "high.rs:6 low/mod.rs",
        "low/deep.rs:1 low/mod.rs",
        "low/deep.rs:1 low/names.rs",
        "low/deep.rs:1 low/names.rs",
    ]


def test_an_import_in_python_is_seen_however_it_is_written(tmp_path: Path) -> None:
    package = written(
        tmp_path / "shop",
        {
            "__init__.py": "",
            "goods/__init__.py": "from .price import total\n",
            "goods/price.py": "def total():\n    from shop import orders\n",
            "orders.py": "import shop.goods.price\nimport importlib\n"
            "importlib.import_module('shop.goods')\nimport os\n",
            "official/old.py": "import shop.orders\n",
        },
    )
    assert sorted(lines(list(python_uses(package, package / "official")), package)) == [
        "goods/__init__.py:1 goods/price.py",
        "goods/price.py:2 orders.py",
        "orders.py:1 goods/price.py",
        "orders.py:3 goods/__init__.py",
    ]


def test_a_circle_is_named_with_what_ties_it_and_nothing_else(tmp_path: Path) -> None:
    crate = written(
        tmp_path,
        {
            "lib.rs": "",
            "trace.rs": "use crate::export::Queue;\n",
            "export.rs": "use crate::worker::Worker;\n\npub struct Queue;\n",
            "worker.rs": "use crate::trace::Span;\nuse crate::wire::put;\n",
            "wire.rs": "pub fn put() {}\n",
        },
    )
    (tied,) = knots(list(rust_uses(crate)), lambda file: file.stem)
    assert {pair: lines(uses, crate) for pair, uses in tied.items()} == {
        ("trace", "export"): ["trace.rs:1 export.rs"],
        ("export", "worker"): ["export.rs:1 worker.rs"],
        ("worker", "trace"): ["worker.rs:1 trace.rs"],
    }
