"""Labels from the tags of buildings, such as their type."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.build.labels.places import label_frame
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.build.labels.places import Places
    from urbanbench.build.labels.wish import Wish
    from urbanbench.build.report import Report

__all__ = ["from_tags"]

_FEWEST = 10
_SAYS_NOTHING = frozenset({"", "yes", "no"})


def from_tags(wish: Wish, places: Places, report: Report) -> pd.DataFrame:
    """Take the value of a tag as the building's class, where it says something and enough buildings have it.

    Returns
    -------
    DataFrame
        Index building_id; value.

    Raises
    ------
    BadInput
        Fewer than two classes with enough buildings.
    """
    found = [tags.get(wish.column, "") for tags in places.tags]
    values = np.array([wish.names.get(one, one) for one in found], dtype=object)
    least = wish.least if wish.least is not None else _FEWEST
    counts = Counter(values.tolist())
    large = {one for one, count in counts.items() if one not in _SAYS_NOTHING and count >= least}
    if len(large) < 2:
        listed = ", ".join(
            f"{one} {count}" for one, count in counts.most_common(6) if one not in _SAYS_NOTHING
        )
        msg = f"Label {wish.name!r}: expected two classes of {wish.column}=* with {least} buildings at least, found {len(large)} ({listed or 'none'}). Mend: least = 2"
        raise BadInput(msg)
    part = f"labels/{wish.name}"
    mute = np.isin(values.astype(str), sorted(_SAYS_NOTHING))
    kept = np.isin(values.astype(str), sorted(large))
    report.add(part, "read", "buildings", count=len(values))
    report.add(part, "dropped", f"buildings without a specific {wish.column}=*", count=int(mute.sum()))
    report.add(
        part, "dropped", f"buildings of classes with fewer than {least}", count=int((~mute & ~kept).sum())
    )
    return label_frame(places.ids("building"), value=values)[kept]
