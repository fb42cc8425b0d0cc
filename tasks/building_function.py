"""What is a building used for?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["BuildingFunction"]


class BuildingFunction(Task):
    """What is a building used for?"""

    card = TaskCard(
        title="Building function",
        question="What is a building used for?",
        label="building_function",
        kind="classification",
        level="building",
        withholds=("landuse", "target_building"),
        note="The labelled buildings keep their shape and surroundings; their own tags and the POIs inside them are hidden.",
    )
