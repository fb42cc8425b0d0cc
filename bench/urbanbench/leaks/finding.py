"""What is found: one sentence each, with how bad it is, how many it concerns and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LEAK", "WARNING", "Finding", "sorted_findings"]

LEAK, WARNING = "leak", "warning"
"""An answer that can be read off an input or another side; and what may make a score look better than it is."""

_ORDER = (LEAK, WARNING)


@dataclass(frozen=True)
class Finding:
    """One way in which an answer gets out.

    Parameters
    ----------
    severity
        `LEAK` or `WARNING`.
    check
        What looked for it, in a word or two.
    count, of
        Units concerned, and units looked at.
    told
        What is so; no full stop.
    mend
        What to do; a sentence.
    """

    severity: str
    check: str
    count: int
    of: int
    told: str
    mend: str

    @property
    def line(self) -> str:
        """The finding in one line.

        Examples
        --------
        >>> Finding("leak", "tags", 40, 90, "tag 'use' is the label", "Withhold it.").line
        "leak · tags · 40 of 90: tag 'use' is the label. Withhold it."
        """
        return f"{self.severity} · {self.check} · {self.count} of {self.of}: {self.told}. {self.mend}"


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the worst and largest first."""
    return sorted(
        findings, key=lambda one: (_ORDER.index(one.severity), -one.count / max(one.of, 1), one.check)
    )
