"""View: what is made of the measurements of some instruments.

Specification: "Metrics SDK", "View". Official name: `opentelemetry.sdk.metrics.view.View`.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.diagnostics.shown import Shown
from oxitel.official_name import official

from .aggregation import Aggregation, DefaultAggregation, _Aggregation
from .reservoir import ExemplarReservoirBuilder, _default_reservoir_factory

if TYPE_CHECKING:
    from opentelemetry.metrics import Instrument

_logger = getLogger("opentelemetry.sdk.metrics._internal.view")
_logger.addFilter(DuplicateFilter())


@official("opentelemetry.sdk.metrics._internal.view")
class View:
    """Chooses instruments, and says what their stream of points is like.

    These choose, all that are given having to fit: `instrument_type` (the class), the names
    `instrument_name` and `instrument_unit` (with `*` and `?`; the instrument's name in any case),
    `meter_name`, `meter_version` and `meter_schema_url` (as they are). At least one is needed.

    These change the stream: `name` and `description` replace the instrument's, `attribute_keys`
    are the attributes to keep (all if None), `aggregation` how measurements are added up,
    `exemplar_reservoir_factory` returns for the type of an aggregation what makes the exemplar
    reservoirs, `aggregation_cardinality_limit` is the most series (the reader's limit if None).

    Raises Exception if nothing is chosen by, or if a `name` is given to whatever fits a pattern;
    ValueError if the limit is not a positive integer.
    """

    _default_aggregation = DefaultAggregation()

    def __init__(
        self,
        instrument_type: type[Instrument] | None = None,
        instrument_name: str | None = None,
        meter_name: str | None = None,
        meter_version: str | None = None,
        meter_schema_url: str | None = None,
        name: str | None = None,
        description: str | None = None,
        attribute_keys: set[str] | None = None,
        aggregation: Aggregation | None = None,
        exemplar_reservoir_factory: (
            Callable[[type[_Aggregation]], ExemplarReservoirBuilder] | None
        ) = None,
        instrument_unit: str | None = None,
        aggregation_cardinality_limit: int | None = None,
    ) -> None:
        criteria = (
            instrument_type,
            instrument_name,
            instrument_unit,
            meter_name,
            meter_version,
            meter_schema_url,
        )
        if all(criterion is None for criterion in criteria):
            raise Exception(
                f"Some instrument selection criteria must be provided for View {Shown(name)}"
            )
        if name is not None and instrument_name is not None and set(instrument_name) & set("*?"):
            raise Exception(
                f"View {Shown(name)} declared with wildcard characters in instrument_name"
            )
        if aggregation_cardinality_limit is not None:
            check_cardinality_limit("aggregation_cardinality_limit", aggregation_cardinality_limit)

        self._instrument_type = instrument_type
        self._instrument_name = instrument_name
        self._instrument_unit = instrument_unit
        self._meter_name = meter_name
        self._meter_version = meter_version
        self._meter_schema_url = meter_schema_url
        self._name = name
        self._description = description
        self._attribute_keys = attribute_keys
        self._aggregation = aggregation or self._default_aggregation
        self._exemplar_reservoir_factory = exemplar_reservoir_factory or _default_reservoir_factory
        self._aggregation_cardinality_limit = aggregation_cardinality_limit

    def _match(self, instrument: Any) -> bool:
        """Whether the view chooses the instrument. Called once for each instrument and reader."""
        try:
            return self._fits(instrument)
        except Exception as error:
            # An `instrument_type` that is no class, a name that is no text: said here, where the
            # official classes raise into whoever creates an instrument.
            _logger.error("View %s cannot be compared with instruments: %r", self._name, error)
            return False

    def _fits(self, instrument: Any) -> bool:
        scope = instrument.instrumentation_scope
        return (
            (self._instrument_type is None or isinstance(instrument, self._instrument_type))
            and (
                self._instrument_name is None
                # The names of instruments are kept in lower case.
                or fnmatchcase(instrument.name, self._instrument_name.lower())
            )
            and (
                self._instrument_unit is None or fnmatchcase(instrument.unit, self._instrument_unit)
            )
            and (self._meter_name is None or scope.name == self._meter_name)
            and (self._meter_version is None or scope.version == self._meter_version)
            and (self._meter_schema_url is None or scope.schema_url == self._meter_schema_url)
        )


def check_cardinality_limit(meaning: str, limit: object) -> None:
    """ValueError if `limit` is not a positive integer; `meaning` names it."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ValueError(f"{meaning} must be a positive integer, got {Shown(limit)!r}")
