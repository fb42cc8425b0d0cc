"""Which percentage of the adults of a region holds a bachelor degree or higher?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["Bachelor"]


class Bachelor(Task):
    """Which percentage of the adults of a region holds a bachelor degree or higher?"""

    card = TaskCard(
        title="Bachelor degrees",
        question="Which percentage of the adults of a region holds a bachelor degree or higher?",
        label="bachelor",
        kind="regression",
    )
