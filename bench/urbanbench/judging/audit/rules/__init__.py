"""The rules of an audit, each a small function from a table to findings."""

from urbanbench.judging.audit.rules import (
    bounds,
    classes,
    digits,
    errors_order,
    evenness,
    floors,
    label_spread,
    marks,
    origins,
    repeats,
)

__all__ = ["RULES"]

RULES = (
    *repeats.RULES,
    *bounds.RULES,
    *errors_order.RULES,
    *label_spread.RULES,
    *evenness.RULES,
    *classes.RULES,
    *floors.RULES,
    *marks.RULES,
    *digits.RULES,
    *origins.RULES,
)
