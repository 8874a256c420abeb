"""Official path of oxitel.scope."""

from oxitel.incidental import incidental
from oxitel.scope import (
    InstrumentationInfo as InstrumentationInfo,
    InstrumentationScope as InstrumentationScope,
    _InstrumentationScopePredicateT as _InstrumentationScopePredicateT,
    _scope_name_matches_glob as _scope_name_matches_glob,
)

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.attributes": "BoundedAttributes",
        "opentelemetry.util.types": "AnyValue Attributes",
        "typing_extensions": "deprecated",
    },
)
