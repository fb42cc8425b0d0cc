"""Which share of the adults of a region holds a degree?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["Education"]


class Education(Task):
    """Which share of the adults of a region holds a degree?"""

    card = TaskCard(
        title="Education",
        question="Which share of the adults of a region holds a degree?",
        label="education",
        kind="regression",
    )
