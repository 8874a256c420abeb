"""What a meter provider works with, as packages that build on the SDK read it; logfire gives it
another resource in a forked child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from oxitel.resources.resource import Resource

    from .exemplar import ExemplarFilter
    from .view import View


@dataclass
class SdkConfiguration:
    """Official name: `opentelemetry.sdk.metrics._internal.sdk_configuration.SdkConfiguration`."""

    exemplar_filter: ExemplarFilter
    resource: Resource
    views: Sequence[View]

    # Of one object, where there is one: a function without arguments.
    _when_resource_changes: ClassVar[Any] = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "resource" and self._when_resource_changes is not None:
            self._when_resource_changes()
