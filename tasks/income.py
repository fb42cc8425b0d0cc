"""What does the median household of a region earn in a year?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["Income"]


class Income(Task):
    """What does the median household of a region earn in a year?"""

    card = TaskCard(
        title="Household income",
        question="What does the median household of a region earn in a year?",
        label="income",
        kind="regression",
    )
