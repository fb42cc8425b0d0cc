"""Items of retrieval through frozen towers: pictures and texts by encoders of one space, and the vectors of an item put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.toolkit.features.frozen_pictures import street_features
from urbanbench.toolkit.texts.place_texts import distinct_texts
from urbanbench.units import Units

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.item_view import ItemView
    from urbanbench.space import EmbeddingSpace
    from urbanbench.toolkit.features.frozen_pictures import Encode

__all__ = ["EncodeTexts", "item_pictures", "items_without_data", "tower_space"]

EncodeTexts = Callable[[Sequence[str]], np.ndarray]
"""Distinct texts (t,) to float32 (t, dim)."""


def item_pictures(view: ItemView, images: Iterable[str], encode: Encode) -> pd.DataFrame:
    """Return features of street views by the `image` of items, each once: float32 (v, dim), NaN where no picture can be opened."""
    import pandas as pd

    from urbanbench.seen import saw

    wanted = Units("street_view", tuple(sorted({one for one in images if one})))
    if not len(wanted):
        return pd.DataFrame(np.zeros((0, 0), dtype=np.float32))
    frame = street_features(view, wanted, encode)
    known = frame.index[np.isfinite(frame.to_numpy()).all(axis=1)]
    saw("street_view", np.asarray(view.street_views.index.isin(known)))
    return frame


def tower_space(
    view: ItemView, units: Units, pictures: Encode | None, texts: EncodeTexts | None
) -> EmbeddingSpace:
    """Return vectors of items: of each part that there is a tower for a vector of length 1, and of both their sum.

    Parameters
    ----------
    view, units
        What is shown, and the items wanted.
    pictures, texts
        Towers of one space; None where there is none. Items without a part for a tower are not covered.
    """
    from urbanbench.space import EmbeddingSpace

    shown = [view.items.get(name) for name in units.ids]
    blocks = []
    if pictures is not None and view.has("street_view") and any(one and one.image for one in shown):
        images = [one.image if one else "" for one in shown]
        frame = item_pictures(view, images, pictures)
        blocks.append(np.asarray(frame.reindex(images), dtype=np.float64))
    if texts is not None and any(one and one.text for one in shown):
        told = [one.text if one else "" for one in shown]
        distinct, place = distinct_texts(told)
        rows = np.asarray(texts(distinct), dtype=np.float64)[place]
        rows[[not one for one in told]] = np.nan
        blocks.append(rows)
    if not blocks:
        return items_without_data(units)
    there = np.column_stack([np.isfinite(block).all(axis=1) for block in blocks])
    total = np.add.reduce([_unit(np.where(np.isfinite(block), block, 0.0)) for block in blocks])
    return EmbeddingSpace(
        "item", np.array(units.ids), total.astype(np.float32), np.asarray(there.any(axis=1))
    )


def items_without_data(units: Units, dim: int = 1) -> EmbeddingSpace:
    """Return zero vectors, none of them covered."""
    from urbanbench.space import EmbeddingSpace

    n = len(units)
    return EmbeddingSpace(
        "item", np.array(units.ids), np.zeros((n, dim), dtype=np.float32), np.zeros(n, dtype=bool)
    )


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
