"""How many crimes are recorded per square kilometre of a region?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["Crime"]


class Crime(Task):
    """How many crimes are recorded per square kilometre of a region?"""

    card = TaskCard(
        title="Crime",
        question="How many crimes are recorded per square kilometre of a region?",
        label="crime",
        kind="regression",
        note="Recorded crimes only; skewed, so R² of log1p stands beside.",
    )
