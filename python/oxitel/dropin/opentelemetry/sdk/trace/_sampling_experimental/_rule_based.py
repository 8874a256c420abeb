"""Official path of oxitel.trace.sampling_rules."""

from oxitel.trace.sampling_rules import (
    AllPredicate as AllPredicate,
    AlwaysMatchPredicate as AlwaysMatchPredicate,
    AttributePatternsPredicate as AttributePatternsPredicate,
    AttributePredicate as AttributePredicate,
    AttributeValuesPredicate as AttributeValuesPredicate,
    ParentPredicate as ParentPredicate,
    PredicateT as PredicateT,
    RulesT as RulesT,
    SpanKindPredicate as SpanKindPredicate,
    composable_rule_based as composable_rule_based,
)
