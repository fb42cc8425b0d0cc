"""Which pictures of a view UrbanMFM really used, for the record of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.seen import saw
from urbanbench.toolkit.texts.counts import rows_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm.overheads import Overheads
    from urbanbench.models._urbanmfm.stages import Workshop
    from urbanbench.models._urbanmfm.streets import Streets

__all__ = ["tell_overheads", "tell_pictures", "tell_streets"]


def tell_pictures(shop: Workshop, trained: Collection[str]) -> None:
    """Say which street views and satellite pictures were used in training and by the POIs' vectors.

    All sampling points with a picture that opens are used where their objective was trained; else those that some POI looks at.
    """
    sight = shop.sight
    if sight is not None:
        every = "svi" in trained
        points = np.arange(len(sight.streets)) if every else sight.memory(shop.material.places.xy).point
        tell_streets(shop.view, sight.streets, points)
    if {"macro", "global"} & set(trained) and shop.backbones.overheads is not None:
        tell_overheads(shop.view, shop.backbones.overheads)


def tell_overheads(view: View, overheads: Overheads) -> None:
    """Say that the satellite pictures of regions were used."""
    known = view.satellite.index.tolist()
    shown = [one for one, has in zip(view.region_ids, overheads.present, strict=True) if has]
    saw("satellite", rows_of(known, shown), of=len(known))


def tell_streets(view: View, streets: Streets, points: np.ndarray) -> None:
    """Say that sampling points, rows of `streets` with -1 for none, were looked at: the street views they were made of."""
    known = view.street_views.index.tolist()
    ids = {one for point in np.unique(points[points >= 0]).tolist() for one in streets.view_ids[point]}
    saw("street_view", rows_of(known, sorted(ids)), of=len(known))
