"""How many people live per square kilometre of a region?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["PopDensity"]


class PopDensity(Task):
    """How many people live per square kilometre of a region?"""

    card = TaskCard(
        title="Population density",
        question="How many people live per square kilometre of a region?",
        label="popdensity",
        kind="regression",
        note="Residents over the area of the region; zeros (parks, ports) are real and kept.",
    )
