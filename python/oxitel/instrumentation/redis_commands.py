"""What is said of commands to Redis: names, texts without values, the attributes of searches.

Official names: in `opentelemetry.instrumentation.redis.util`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.trace import Span

_LONGEST = 1000
_FIELD_TYPES = ["NUMERIC", "TEXT", "GEO", "TAG", "VECTOR"]
SEARCH = "redis.search"
CREATE_INDEX = "redis.create_index"
OF_SEARCH = ("FT.CREATE", "FT.SEARCH")
"""The commands whose arguments and answers are recorded too."""


def _format_command_args(args: Sequence[Any]) -> str:
    """A command with `?` for each of its arguments, of 1000 characters at most."""
    if not args:
        return ""
    text = str(args[0]) + " ?" * (len(args) - 1)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _build_span_name(instance: Any, cmd_args: Sequence[Any]) -> str:
    if cmd_args and cmd_args[0]:
        command = cmd_args[0]
        if command == "FT.SEARCH":
            return SEARCH
        return CREATE_INDEX if command == "FT.CREATE" else str(command)
    return str(instance.connection_pool.connection_kwargs.get("db") or 0)


@lru_cache(maxsize=1000)
def described(command: str, count: int) -> tuple[str, str]:
    """The name and the text of a command with all its `count` arguments, itself among them."""
    args = (command,) + (None,) * (count - 1)
    return _build_span_name(None, args), _format_command_args(args)


def _build_span_meta_data_for_pipeline(instance: Any) -> tuple[Sequence[Any], str, str]:
    """The commands of a pipeline, their texts and their names."""
    try:
        stack = _stack(instance)
        commands = [command.args if hasattr(command, "args") else command[0] for command in stack]
        text = "\n".join(_format_command_args(command) for command in commands)
        return stack, text, " ".join(command[0] for command in commands) or "redis"
    except (AttributeError, IndexError, TypeError):
        return [], "", "redis"


def _stack(instance: Any) -> Sequence[Any]:
    # Of a cluster's pipeline, from redis-py 6 on, a strategy has them.
    strategy = getattr(instance, "_execution_strategy", None)
    for holder, name in (
        (strategy, "command_queue"),
        (strategy, "_command_queue"),
        (instance, "command_stack"),
    ):
        if holder is not None and hasattr(holder, name):
            return getattr(holder, name)
    return instance._command_stack


def _set_span_attribute_if_value(span: Span, name: str, value: Any) -> None:
    if value is not None and value != "":
        span.set_attribute(name, value)


def _value_or_none(values: Any, n: int) -> Any:
    try:
        return values[n]
    except (IndexError, KeyError, TypeError):
        return None


def _add_create_attributes(span: Span, args: Sequence[Any]) -> None:
    """Of `FT.CREATE`: the index and its fields."""
    _set_span_attribute_if_value(span, "redis.create_index.index", _value_or_none(args, 1))
    try:
        schema = args[args.index("SCHEMA") :]
    except ValueError:
        return
    fields = "".join(
        f"Field(name: {schema[position - 1]}, type: {schema[position]});"
        for position in range(1, len(schema))
        if schema[position] in _FIELD_TYPES
    )
    _set_span_attribute_if_value(span, "redis.create_index.fields", fields)


def _add_search_attributes(span: Span, response: Any, args: Sequence[Any]) -> None:
    """Of `FT.SEARCH`: what was looked for, and what was found."""
    _set_span_attribute_if_value(span, "redis.search.index", _value_or_none(args, 1))
    _set_span_attribute_if_value(span, "redis.search.query", _value_or_none(args, 2))
    total = _value_or_none(response, 0)
    _set_span_attribute_if_value(span, "redis.search.total", total)
    if "NOCONTENT" in args or not total:
        return
    for number in range(total):
        index = _value_or_none(response, 1 + 2 * number)
        document = _value_or_none(response, 2 + 2 * number)
        if not index or document is None:
            continue
        for position in range(0, len(document) - 1, 2):
            name = f"redis.search.xdoc_{index}.{document[position]}"
            _set_span_attribute_if_value(span, name, document[position + 1])
