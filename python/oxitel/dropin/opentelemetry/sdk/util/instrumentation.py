"""Official path of oxitel.scope."""

from oxitel.scope import (
    InstrumentationInfo as InstrumentationInfo,
    InstrumentationScope as InstrumentationScope,
    _InstrumentationScopePredicateT as _InstrumentationScopePredicateT,
    _scope_name_matches_glob as _scope_name_matches_glob,
)
