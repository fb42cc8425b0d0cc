"""Answers in plain sight: tags and counts of the inputs that give the label away, measured on what a model may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.leaks.finding import LEAK, Finding

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.view import View
    from urbanbench.scoring.targets import Targets

__all__ = ["answer_findings"]

_FEWEST = 10
_LEAST_SHARE = 0.05
_NAMED_RIGHT, _ABOVE_GUESSING = 0.9, 0.8
_RANKED_RIGHT = 0.98
_LAYERS = {"building": ("polygon", "buildings"), "poi": ("poi", "pois")}
"""Input and layer that hold the units of a level."""
_MANY_VALUES = 200


def answer_findings(view: View, targets: Targets) -> list[Finding]:
    """Tell which tags name the classes or hold the numbers, and which counts of a region are the label.

    A tag names the classes when the most frequent class among the *other* units with the same value is right for nine in ten units that
    have the tag, and for four in five of those that guessing the most frequent class gets wrong. A tag or count holds numbers when its rank correlation
    with the label is at least 0.98, up or down. Both need 10 units and one in twenty.

    Parameters
    ----------
    view
        What the task shows to a model that may see all inputs.
    targets
        The labelled units.
    """
    if targets.kind == "composition":
        return []
    clues = _of_units(view, targets) if targets.level in _LAYERS else _of_regions(view, targets)
    found = []
    for name, values, mend in clues:
        known = np.array([value is not None for value in values])
        if known.sum() < max(_FEWEST, _LEAST_SHARE * len(targets)):
            continue
        judge = _names_classes if targets.kind == "classification" else _holds_numbers
        told = judge(values[known], targets.rows(known).values)
        if told:
            found.append(
                Finding(LEAK, "answer in an input", int(known.sum()), len(targets), f"{name} {told}", mend)
            )
    return found


_Clue = tuple[str, np.ndarray, str]
"""What it is; one value per unit, None where there is none; what to do."""


def _of_units(view: View, targets: Targets) -> Iterator[_Clue]:
    """Return the tags of the labelled objects themselves."""
    name, layer = _LAYERS[targets.level]
    if targets.level not in _LAYERS or not view.has(name):
        return
    frame = getattr(view, layer)
    place = {one: row for row, one in enumerate(targets.ids.tolist())}
    here = frame[frame.index.isin(place)]
    rows = np.array([place[one] for one in here.index])
    mend = f"Withhold it: withholds=('target_building',) in the task's card, or remove the tag from {layer}."
    for key, owners, values in _tags(here):
        column = np.full(len(targets), None, dtype=object)
        column[rows[owners]] = values
        yield f"tag {key!r} of the labelled {targets.level}s", column, mend


def _of_regions(view: View, targets: Targets) -> Iterator[_Clue]:
    """Return counts of a region, and the usual value of each tag of the objects in it."""
    if targets.level != "region":
        return
    mend = "Leave the input out (--inputs), or take another label: this one is computed from it."
    regions = view.regions.loc[targets.ids]
    yield (
        "area of the region",
        regions["area_km2"].to_numpy(dtype=object),
        "Take another label: this one is the frame itself.",
    )
    for name, layer in (("poi", "pois"), ("polygon", "buildings")):
        if not view.has(name):
            continue
        frame = getattr(view, layer)
        counts = frame["region_id"].value_counts().reindex(targets.ids).fillna(0).to_numpy()
        yield f"number of {layer}", counts.astype(object), mend
        yield f"number of {layer} per km2", (counts / regions["area_km2"].to_numpy()).astype(object), mend
        if layer == "buildings":
            built = (
                frame["area_m2"].groupby(frame["region_id"]).sum().reindex(targets.ids).fillna(0).to_numpy()
            )
            yield "built area", built.astype(object), mend
            yield "built share", (built / regions["area_km2"].to_numpy()).astype(object), mend
        yield from _usual_tags(frame, layer, targets, mend)
    if view.has("flow"):
        for end in ("origin_id", "destination_id"):
            trips = view.flows.groupby(end)["trips"].sum().reindex(targets.ids).fillna(0).to_numpy()
            yield f"trips by {end.removesuffix('_id')}", trips.astype(object), mend


def _usual_tags(frame: Any, layer: str, targets: Targets, mend: str) -> Iterator[_Clue]:
    """Return, for each tag, the median or most frequent value among the objects of a region."""
    import pandas as pd

    home = frame["region_id"].to_numpy()
    for key, owners, values in _tags(frame):
        inside = pd.DataFrame({"region": home[owners], "value": values}).dropna()
        if targets.kind == "regression":
            inside["value"] = pd.to_numeric(inside["value"], errors="coerce")
            usual = inside.dropna().groupby("region")["value"].median()
        elif inside["value"].nunique() <= _MANY_VALUES:
            usual = _most_frequent(inside)
        else:
            continue
        column = usual.reindex(targets.ids).astype(object)
        yield (
            f"usual value of tag {key!r} of {layer} in the region",
            column.where(column.notna(), None).to_numpy(),
            mend,
        )


def _most_frequent(inside: pd.DataFrame) -> pd.Series:
    counts = inside.value_counts().reset_index()
    return (
        counts.sort_values(["count", "value"], ascending=[False, True])
        .drop_duplicates("region")
        .set_index("region")["value"]
    )


def _tags(frame: Any) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Return each key that one object in twenty has, with the rows of its owners and their values."""
    from urbanbench.city.folder.tags import tag_table

    table = tag_table(frame["tags"])
    counts = np.bincount(table.key_codes, minlength=len(table.key_names))
    for code in np.flatnonzero(counts >= max(1, _LEAST_SHARE * len(frame))):
        own = table.key_codes == code
        yield str(table.key_names[code]), table.rows[own], table.value_names[table.value_codes[own]]


def _names_classes(values: np.ndarray, classes: np.ndarray) -> str:
    """Say how well values name classes when each unit asks the others; "" where they do not."""
    value = np.unique(values.astype(str), return_inverse=True)[1].ravel()
    names, label = np.unique(classes.astype(str), return_inverse=True)
    counts = np.zeros((value.max() + 1, len(names)), dtype=np.int64)
    np.add.at(counts, (value, label.ravel()), 1)
    others = counts[value]
    others[np.arange(len(label)), label.ravel()] -= 1
    right = float(((others.argmax(axis=1) == label.ravel()) & (others.sum(axis=1) > 0)).mean())
    guessed = float(np.bincount(label.ravel()).max() / len(label))
    if right < max(_NAMED_RIGHT, guessed + _ABOVE_GUESSING * (1 - guessed)):
        return ""
    return (
        f"names the class of {right:.0%} of the units that have it (the most frequent class: {guessed:.0%})"
    )


def _holds_numbers(values: np.ndarray, numbers: np.ndarray) -> str:
    """Say how well values rank the label; "" where they do not."""
    import pandas as pd
    from scipy.stats import spearmanr

    read = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(dtype=float)
    known = np.isfinite(read)
    if known.sum() < _FEWEST or known.mean() < 0.5 or np.ptp(read[known]) == 0 or np.ptp(numbers[known]) == 0:
        return ""
    ranked = float(spearmanr(read[known], numbers[known].astype(float)).statistic)
    return (
        f"ranks units as the label does (rank correlation {ranked:.3f})"
        if abs(ranked) >= _RANKED_RIGHT
        else ""
    )
