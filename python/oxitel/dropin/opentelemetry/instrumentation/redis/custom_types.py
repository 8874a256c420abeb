"""Official path of the types of the hooks of oxitel.instrumentation.redis."""

from collections.abc import Callable
from typing import Any, TypeVar

from opentelemetry.trace import Span

RequestHook = Callable[[Span, Any, list[Any], dict[str, Any]], None]
ResponseHook = Callable[[Span, Any, Any], None]

AsyncPipelineInstance = TypeVar("AsyncPipelineInstance")
AsyncRedisInstance = TypeVar("AsyncRedisInstance")
PipelineInstance = TypeVar("PipelineInstance")
RedisInstance = TypeVar("RedisInstance")
R = TypeVar("R")
