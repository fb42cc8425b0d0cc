"""What is a street scene used for?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["StreetFunction"]


class StreetFunction(Task):
    """What is a street scene used for?"""

    card = TaskCard(
        title="Street function",
        question="What is a street scene used for?",
        label="street_function",
        kind="classification",
        level="street_view",
        note="One label a street view. Views of one point (location_id) stay on one side of every split.",
    )
