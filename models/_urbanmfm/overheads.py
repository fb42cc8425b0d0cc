"""One picture from above per region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.toolkit.texts.place_texts import distinct_texts

if TYPE_CHECKING:
    from urbanbench.city.view import View


@dataclass(frozen=True, eq=False)
class Overheads:
    """The distinct pictures from above, and which one shows a region.

    Parameters
    ----------
    pictures
        Distinct paths for `View.open_image`, sorted.
    picture
        int64 (n_regions,): which one shows a region of the view, -1 for none.
    """

    pictures: tuple[str, ...]
    picture: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Which regions have a picture, bool (n_regions,)."""
        return np.asarray(self.picture >= 0)


def gather_overheads(view: View) -> Overheads | None:
    """Read which picture shows which region; None where satellite may not be seen or has no picture."""
    if not view.has("satellite"):
        return None
    named = view.satellite["image"].reindex(list(view.region_ids))
    shown = np.flatnonzero(named.notna())
    if len(shown) == 0:
        return None
    pictures, place = distinct_texts(named.iloc[shown].tolist())
    picture = np.full(len(named), -1, dtype=np.int64)
    picture[shown] = place
    return Overheads(pictures, picture)
