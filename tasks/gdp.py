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
        log1p=True,
        note="Skewed over orders of magnitude: heads model log1p, RMSE and MAE are in the natural unit.",
    )
