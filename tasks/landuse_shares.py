"""How is the land of a region shared among uses?"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task

__all__ = ["LandUseShares"]


class LandUseShares(Task):
    """How is the land of a region shared among uses?"""

    card = TaskCard(
        title="Land-use shares",
        question="How is the land of a region shared among uses?",
        label="landuse_shares",
        kind="composition",
        withholds=("landuse",),
    )
