"""Which land use takes the largest part of a region?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["LandUse"]


class LandUse(Task):
    """Which land use takes the largest part of a region?"""

    card = TaskCard(
        title="Land use",
        question="Which land use takes the largest part of a region?",
        label="landuse",
        kind="classification",
        withholds=("landuse",),
    )
