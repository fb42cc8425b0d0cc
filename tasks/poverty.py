"""Which share of the people of a region lives below the poverty level?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["Poverty"]


class Poverty(Task):
    """Which share of the people of a region lives below the poverty level?"""

    card = TaskCard(
        title="Poverty",
        question="Which share of the people of a region lives below the poverty level?",
        label="poverty",
        kind="regression",
    )
