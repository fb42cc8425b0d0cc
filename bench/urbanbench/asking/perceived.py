"""What people find of pictures, in words: labels of street views as sentences that can be chosen among."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.asking.ground import Ground
    from urbanbench.city.city import City
    from urbanbench.city.folder.format import LabelInfo

__all__ = ["LABELS", "Perceived", "perceived"]

LABELS = "perception"
"""Labels of street views whose name begins so are what people find of them, such as `perception_safety`."""

LEVELS = ("low", "middling", "high")
"""Thirds of a score among the pictures that may be learned from."""


@dataclass(frozen=True)
class Perceived:
    """What people find of the pictures of a city.

    Parameters
    ----------
    text
        Picture to sentence, for pictures with all labels.
    likeness
        Picture to the first half of what its sentence says: sentences that agree in it are hard to tell apart.
    words
        What was judged, such as "safety", in the order of the sentences.
    """

    text: Mapping[int, str]
    likeness: Mapping[int, str]
    words: tuple[str, ...]


def perceived(ground: Ground) -> Perceived:
    """Put the labels of perception in words.

    Raises
    ------
    RunRefused
        The city has no such label, or one without a stated licence.
    """
    infos = _labels(ground.city)
    names = tuple(info.name.removeprefix(LABELS).strip("_").replace("_", " ") or "scene" for info in infos)
    said = [_said(ground, info) for info in infos]
    whole = [k for k in range(len(ground)) if all(k in some for some in said)]
    parts = {k: [f"{name} {some[k]}" for name, some in zip(names, said, strict=True)] for k in whole}
    return Perceived(
        {k: f"People find here: {', '.join(some)}." for k, some in parts.items()},
        {k: ", ".join(some[: (len(some) + 1) // 2]) for k, some in parts.items()},
        names,
    )


def _labels(city: City) -> Sequence[LabelInfo]:
    found = [
        info
        for name, info in city.labels.items()
        if name.startswith(LABELS) and info.level == "street_view" and info.kind != "composition"
    ]
    if not found:
        msg = (
            f"City {city.name!r} has no label of street views whose name begins with {LABELS!r}, and what people find of a picture cannot be guessed. Its labels: {', '.join(city.labels) or 'none'}. "
            f'Mend: add labels/perception_safety.parquet with view_id and value, and "perception_safety": {{"file": "labels/perception_safety.parquet", "level": "street_view", "unit": "score", "licence": "..."}} under \'labels\' in city.json, or make a city of rated pictures: urbanbench data images FOLDER -o CITY --scores safety,lively --licence "..." (docs/retrieval_tasks.md).'
        )
        raise RunRefused(msg)
    bare = [info.name for info in found if not info.licence.strip()]
    if bare:
        msg = f'Labels {", ".join(bare)} of city {city.name!r} state no licence. Expected one: judgements of people are used as their owners allow. Mend: write "licence": "CC BY-SA 4.0", or what it is, to each entry in city.json.'
        raise RunRefused(msg)
    return found


def _said(ground: Ground, info: LabelInfo) -> dict[int, str]:
    """Return what a label says of pictures, in a word: a class, or the third of a score."""
    value = ground.city.label(info.name)["value"]
    place = {view: k for k, view in enumerate(ground.view_ids)}
    known = value[[view in place for view in value.index]]
    at = [place[view] for view in known.index]
    if info.kind == "classification":
        return dict(zip(at, map(str, known), strict=True))
    return dict(zip(at, _thirds(ground, known, np.array(at, dtype=np.int64)), strict=True))


def _thirds(ground: Ground, value: pd.Series, at: np.ndarray) -> list[str]:
    numbers = value.to_numpy(dtype=np.float64)
    learned = numbers[np.isin(at, ground.learned)]
    edges = np.quantile(learned if len(learned) else numbers, [1 / 3, 2 / 3])
    return [LEVELS[int(third)] for third in np.searchsorted(edges, numbers, side="right")]
