"""What does a square metre of housing cost in a region?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["Housing"]


class Housing(Task):
    """What does a square metre of housing cost in a region?"""

    card = TaskCard(
        title="Housing price",
        question="What does a square metre of housing cost in a region?",
        label="housing",
        kind="regression",
        note="Only regions with sales have a value.",
    )
