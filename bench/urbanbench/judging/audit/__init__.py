"""Audit of results: a table goes in, and statements come out about what cannot be, hardly is, or should be known.

Rules know metrics and arithmetic, never a paper. A printed number stands for all that round to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.judging.audit.claims import Claim, checked_claims
from urbanbench.judging.audit.finding import SEVERITIES, Finding
from urbanbench.judging.audit.rules import RULES
from urbanbench.judging.audit.table import Table

__all__ = ["audit"]


def audit(table: Table, claims: Sequence[Claim] = ()) -> list[Finding]:
    """Return all findings, the worst first, in the order of the rules.

    Parameters
    ----------
    table
        What to look at.
    claims
        Percentages that a text says of it.
    """
    found = [finding for rule in RULES for finding in rule.find(table)]
    found += checked_claims(table, claims)
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))
