"""Reads a configuration file, YAML or JSON, into dictionaries and lists with all variables put in.

YAML is read by PyYAML with the types of YAML 1.2 (its own are those of 1.1, where `no` is false and
`2024-01-01` a date).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from oxitel.variables import file

from .substitution import substituted

if TYPE_CHECKING:
    from yaml import Node, SafeLoader

_STRING = "tag:yaml.org,2002:str"
# Far more than any set-up has. An alias counts as all that it stands for.
_MAX_VALUES = 100_000


class Unusable(Exception):
    """The file as a whole cannot be used; the text says why."""


def text_of(path: str) -> str:
    """The file's text. Raises Unusable."""
    try:
        return file.read(path).decode()
    except OSError as error:
        raise Unusable(f"it cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise Unusable(f"it is not UTF-8: {error}") from None


def read(path: str, text: str | None = None) -> dict[str, Any]:
    """What is in the file, or in its `text` if that was read already. Raises Unusable."""
    if text is None:
        text = text_of(path)
    try:
        content = _from_json(text) if path.lower().endswith(".json") else _from_yaml(text, path)
    except RecursionError:
        raise Unusable("it is nested too deeply") from None
    if not isinstance(content, dict):
        raise Unusable(f"it has to hold a mapping, not {type(content).__name__}")
    return content


def _from_json(text: str) -> Any:
    import json

    def with_variables(value: Any) -> Any:
        if isinstance(value, str):
            return substituted(value)
        if isinstance(value, list):
            return [with_variables(item) for item in value]
        if isinstance(value, dict):
            return {key: with_variables(item) for key, item in value.items()}
        return value

    try:
        return with_variables(json.loads(text))
    except ValueError as error:
        raise Unusable(str(error)) from None


def _from_yaml(text: str, path: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise Unusable(
            "PyYAML is not installed, without which YAML cannot be read: pip install 'oxitel[yaml]'"
        ) from None
    loader = _loader_class()(text)
    loader.name = path
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if _size(root) > _MAX_VALUES:
            raise Unusable(f"its aliases stand for more than {_MAX_VALUES} values")
        _put_variables_in(root, loader)
        return loader.construct_document(root)
    except (yaml.YAMLError, ValueError) as error:
        raise Unusable(" ".join(str(error).split())) from None
    finally:
        loader.dispose()


def _size(root: Node) -> int:
    """How many values the document has once every alias is what it stands for; more than there may
    be for one that contains itself."""
    from yaml import MappingNode, SequenceNode

    sizes: dict[int, int] = {}

    def children(node: Node) -> list[Node]:
        if isinstance(node, MappingNode):
            return [child for pair in node.value for child in pair]
        return node.value if isinstance(node, SequenceNode) else []

    # Each node twice: the second time all that is below it was counted.
    open_nodes: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting[-1]
        if id(node) in sizes:
            waiting.pop()
            continue
        if id(node) in open_nodes:
            waiting.pop()
            open_nodes.discard(id(node))
            below = sum(sizes.get(id(child), _MAX_VALUES) for child in children(node))
            sizes[id(node)] = min(1 + below, _MAX_VALUES + 1)
            continue
        open_nodes.add(id(node))
        waiting += [child for child in children(node) if id(child) not in open_nodes]
    return sizes[id(root)]


def _put_variables_in(root: Node, loader: SafeLoader) -> None:
    """Replace the references in all values; keys and comments are none."""
    from yaml import MappingNode, ScalarNode, SequenceNode

    # An alias leads to a node that was seen.
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            waiting += [value for _, value in node.value]
        elif isinstance(node, SequenceNode):
            waiting += node.value
        elif isinstance(node, ScalarNode) and node.tag == _STRING and "$" in node.value:
            node.value = substituted(node.value)
            # Without quotes, the type is that of what the variables hold.
            if node.style is None:
                node.tag = loader.resolve(ScalarNode, node.value, (True, False))


@cache
def _loader_class() -> type[SafeLoader]:
    """PyYAML's safe loader with the scalars of the YAML 1.2 core schema, and `<<`."""
    import re

    from yaml import SafeLoader, ScalarNode

    class Loader(SafeLoader):  # type: ignore[misc]
        pass

    Loader.yaml_implicit_resolvers = {}
    for name, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        (
            "float",
            r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
            r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
            "-+.0123456789",
        ),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("merge", r"<<", "<"),
    ):
        tag = f"tag:yaml.org,2002:{name}"
        Loader.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), list(first))

    def integer(loader: SafeLoader, node: ScalarNode) -> int:
        text: str = loader.construct_scalar(node)
        bases = {"0o": 8, "0x": 16}
        return int(text, bases.get(text[:2], 10))

    def number(loader: SafeLoader, node: ScalarNode) -> float:
        text: str = loader.construct_scalar(node)
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))

    Loader.add_constructor("tag:yaml.org,2002:int", integer)
    Loader.add_constructor("tag:yaml.org,2002:float", number)
    return Loader
