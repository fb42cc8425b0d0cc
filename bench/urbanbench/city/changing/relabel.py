"""Labels of regions carried to other regions, each by its rule: sums, means weighted by area or by n, classes of the largest area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.changing.label_rules import Rule
    from urbanbench.city.folder.format import LabelInfo

__all__ = ["relabelled"]


def relabelled(
    frame: pd.DataFrame,
    info: LabelInfo,
    pieces: pd.DataFrame,
    rule: Rule,
    order: Sequence[str],
    *,
    least: float = 0.0,
) -> pd.DataFrame:
    """Carry a label of regions to other regions.

    Parts without the label do not count; a new region is labelled where labelled parts cover more than `least` of what it has of the old ones.

    Parameters
    ----------
    frame
        The label, as `City.label` gives it.
    info
        What city.json says of it.
    pieces
        What `urbanbench.city.changing.overlay.pieces_of` gave.
    rule
        How it is carried; not "leave".
    order
        Ids of the new regions.
    least
        Share in [0, 1).

    Returns
    -------
    DataFrame
        Index region_id in the order of the new regions; the columns of `frame`. Values as the rule says; `n` is summed, by share of area
        where an old region is cut; `group` and `parcel` are those of the largest piece.
    """
    whole = pieces.groupby("new", sort=False)["area"].sum()
    rows = pieces[pieces["old"].isin(frame.index)].reset_index(drop=True)
    rows = rows.join(frame, on="old")
    total = rows.groupby("new", sort=False)["area"].sum()
    kept = {name for name, share in (total / whole.reindex(total.index)).items() if share > least}
    rows = rows[rows["new"].isin(kept)].reset_index(drop=True)
    names = rows["new"]
    made = total.reindex([one for one in order if one in kept]).to_frame("_area").rename_axis("region_id")
    cut = rows["area"] / rows["of"]
    if rule.how == "majority":
        made["value"] = _widest_class(rows)
    else:
        weight = _weights(rows, cut, rule)
        for column in info.columns or ("value",):
            made[column] = (rows[column] * weight).groupby(names, sort=False).sum()
    if "n" in frame:
        number = rows["n"] if (cut == 1).all() else rows["n"] * cut
        made["n"] = number.groupby(names, sort=False).sum(min_count=1)
    if rule.how == "n":
        made = made[made["n"] > 0]
    largest = rows["area"].groupby(names, sort=False).idxmax()
    for column in (one for one in ("group", "parcel") if one in frame):
        made[column] = rows[column].reindex(largest[made.index]).to_numpy()
    return made.drop(columns="_area")


def _weights(rows: pd.DataFrame, cut: pd.Series, rule: Rule) -> pd.Series:
    """Return what each piece's value counts with: its share of the old region for a sum, else its share of the new one."""
    if rule.how == "sum":
        return cut
    weight = rows["area"] if rule.how == "area" else (rows["n"] * cut).fillna(0.0)
    total = weight.groupby(rows["new"], sort=False).transform("sum")
    return weight / total.where(total > 0, np.nan)


def _widest_class(rows: pd.DataFrame) -> pd.Series:
    """Give the class with the largest total area of each new region, the first in the alphabet where two are equal, by its id."""
    total = rows["area"].groupby([rows["new"], rows["value"].to_numpy()], sort=True).sum()
    widest = total.groupby(level=0).idxmax()
    return widest.map(lambda pair: pair[1])
