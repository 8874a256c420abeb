"""What a meter provider was made of, as packages that build on the SDK read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
