"""The POIs of a city as HGI sees them: where they lie, in which region, and their category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import RunRefused
from urbanbench.models._hgi.categories import (
    MERE_BUILDING,
    Categories,
    categories_of,
    category_words,
    known_categories,
)
from urbanbench.seen import saw
from urbanbench.toolkit.ground.places import centres, region_rows, shaped_places
from urbanbench.toolkit.texts.place_texts import is_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urbanbench.city.view import View
    from urbanbench.models.hgi import HGI

FEWEST_REGIONS = 4


@dataclass(frozen=True, eq=False)
class Places:
    """n POIs in the order of their regions, those outside of all regions last.

    Parameters
    ----------
    ids
        object (n,): poi_id, or building_id of a building that is a POI itself.
    is_building
        bool (n,): which of the two.
    xy
        float64 (n, 2): (easting, northing) in metres from the south-western corner of all POIs.
    corner
        float64 (2,): that corner in the city's CRS.
    region
        int64 (n,): row of the region, -1 outside.
    categories
        What they are.
    n_regions
        Number of regions of the city.
    """

    ids: np.ndarray
    is_building: np.ndarray
    xy: np.ndarray
    corner: np.ndarray
    region: np.ndarray
    categories: Categories
    n_regions: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def sizes(self) -> np.ndarray:
        """Number of POIs in each region, int64 (n_regions,)."""
        return np.bincount(self.region[self.region >= 0], minlength=self.n_regions)


def gather_places(model: HGI, view: View, names: Sequence[str] | None = None) -> Places:
    """Read the POIs, and the buildings that are POIs themselves where footprints may be seen, and say which they are (`urbanbench.seen.saw`).

    Categories are the city's own, or those of another city by their `names`.

    Raises
    ------
    RunRefused
        POIs in fewer than four regions, which leaves no other region to compare with.
    """
    parts = [_points(view, every=model.poi_filter == "all")]
    if view.has("polygon"):
        parts.append(_buildings(view, model.untagged))
    ids, xy, region, words = (np.concatenate([part[k] for part in parts]) for k in range(4))
    is_building = np.repeat([False, True][: len(parts)], [len(part[0]) for part in parts])
    found = len(np.unique(region[region >= 0]))
    if found < FEWEST_REGIONS:
        msg = f"HGI found POIs in {found} of {len(view.region_ids)} regions of {view.city_name!r}. Expected POIs in at least {FEWEST_REGIONS}. Choose a larger city, or --set poi_filter=all"
        raise RunRefused(msg)
    order = np.argsort(np.where(region < 0, len(view.region_ids), region), kind="stable")
    corner = xy.min(axis=0)
    if names is None:
        categories = categories_of(words[order], min_count=model.min_count)
    else:
        categories = known_categories(words[order], names)
    return Places(
        ids[order],
        is_building[order],
        xy[order] - corner,
        corner,
        region[order],
        categories,
        len(view.region_ids),
    )


def _points(view: View, *, every: bool) -> tuple[np.ndarray, ...]:
    pois = view.pois
    tags = tag_table(pois["tags"])
    words = category_words(tags)
    kept = (words != "") if every else (words != "") & is_place(tags)
    saw("poi", kept)
    return (
        np.asarray(pois.index, dtype=object)[kept],
        centres(pois.geometry)[kept],
        region_rows(view, pois["region_id"])[kept],
        words[kept],
    )


def _buildings(view: View, untagged: str) -> tuple[np.ndarray, ...]:
    buildings = view.buildings
    tags = tag_table(buildings["tags"])
    kept, words = shaped_places(tags, untagged), category_words(tags)
    words[words == ""] = MERE_BUILDING  # only where all are taken
    saw("polygon", kept)
    some = buildings[kept]
    return (
        np.asarray(some.index, dtype=object),
        centres(some.geometry),
        region_rows(view, some["region_id"]),
        words[kept],
    )
