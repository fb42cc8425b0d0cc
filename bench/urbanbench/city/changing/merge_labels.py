"""Labels of merged regions: means weighted by area, the class of the largest area, sums of support."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.changing.merge_plan import Merging
    from urbanbench.city.folder.format import LabelInfo

__all__ = ["merged_label"]


def merged_label(frame: pd.DataFrame, info: LabelInfo, merging: Merging, area: pd.Series) -> pd.DataFrame:
    """Merge a label of regions.

    Parts without the label do not count: a merged region is labelled when one of its parts is.

    Parameters
    ----------
    frame
        The label, as `City.label` gives it.
    info
        What city.json says of it.
    merging
        Which regions become one.
    area
        Areas of the old regions by region_id, any unit.

    Returns
    -------
    DataFrame
        Index region_id in the order of the new regions. Numbers and shares: means weighted by area (exact for a density per area).
        Classes: the one with the largest total area, the first in the alphabet where two are equal. `n`: the sum. `group` and
        `parcel`: those of the largest part.
    """
    rows = frame.assign(_area=area.reindex(frame.index))
    names = frame.index.map(merging.new_id)
    labelled = set(names)
    order = [one for one in merging.ids if one in labelled]
    made = rows.groupby(names, sort=False)["_area"].sum().to_frame().reindex(order)
    made.index.name = "region_id"
    if info.kind == "classification":
        made["value"] = _widest_class(rows, names)
    else:
        share = rows["_area"] / made["_area"].loc[names].to_numpy()
        for column in info.columns or ("value",):
            made[column] = (rows[column] * share).groupby(names, sort=False).sum()
    if "n" in frame:
        made["n"] = rows["n"].groupby(names, sort=False).sum(min_count=1)
    largest = rows["_area"].groupby(names, sort=False).idxmax()
    for column in (one for one in ("group", "parcel") if one in frame):
        made[column] = frame[column].reindex(largest[order]).to_numpy()
    return made.drop(columns="_area")


def _widest_class(rows: pd.DataFrame, names: pd.Index) -> pd.Series:
    """Give the class with the largest total area of each new region, by its id."""
    total = rows["_area"].groupby([names, rows["value"].to_numpy()], sort=True).sum()
    widest = total.groupby(level=0).idxmax()
    return widest.map(lambda pair: pair[1])
