"""How much is produced per square kilometre of a region?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["Gdp"]


class Gdp(Task):
    """How much is produced per square kilometre of a region?"""

    card = TaskCard(
        title="GDP density",
        question="How much is produced per square kilometre of a region?",
        label="gdp",
        kind="regression",
        note="Skewed; heads model the natural value, and R² of log1p stands beside.",
    )
