"""The six categories of POIs that UrbanMFM's macro scale compares regions by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from urbanbench.city.folder.tags import tag_table

if TYPE_CHECKING:
    from urbanbench.city.folder.tags import TagTable
    from urbanbench.city.view import View
    from urbanbench.toolkit.ground.places import Places

CATEGORIES = ("amenity", "leisure", "tourism", "shop", "office", "residential")

KEYS = {
    "amenity": "amenity",
    "shop": "shop",
    "tourism": "tourism",
    "healthcare": "amenity",
    "office": "office",
    "leisure": "leisure",
    "sport": "amenity",
}
"""Category of a POI by its key. A POI with several keys has the category of the first of them here, the order of its text."""

BUILDINGS = {
    "amenity": """bakehouse bus_station cathedral chapel church civic clinic college community_centre fire_station government
        hospital kindergarten library monastery mosque parking place_of_worship police presbytery public religious school shrine
        synagogue temple toilets train_station transportation university""",
    "leisure": "beach_hut boathouse grandstand gym pavilion riding_hall sports_centre sports_hall stadium swimming_pool theatre",
    "tourism": "castle gallery guest_house holiday_home hostel hotel motel museum palace",
    "shop": "kiosk mall market retail shop shops store supermarket",
    "office": "bank commercial factory industrial manufacture office offices warehouse works",
    "residential": """allotment_house annexe apartment apartments bungalow cabin condominium detached dormitory dwelling farm
        flats hdb house houseboat houses hut residential semi semidetached semidetached_house static_caravan stilt_house terrace
        terraced tower_block townhouse tree_house trullo villa""",
}
"""Category of a POI without any of these keys by its value of `building`; other values (barn, bunker, ...) have none."""


def poi_category(tags: TagTable) -> np.ndarray:
    """Return the category of every object as its place in `CATEGORIES`, -1 for none; int64 (n,)."""
    found = np.full(tags.n, -1, dtype=np.int64)
    words = {value: category for category, values in BUILDINGS.items() for value in values.split()}
    buildings = tags.with_key("building")
    named = [words.get(str(value)) for value in buildings.value_names]
    by_value = np.array([CATEGORIES.index(one) if one else -1 for one in named], dtype=np.int64)
    found[buildings.rows] = by_value[buildings.value_codes]
    for key in reversed(KEYS):
        found[tags.with_key(key).rows] = CATEGORIES.index(KEYS[key])
    return found


def place_categories(view: View, places: Places) -> np.ndarray:
    """Return the category of every POI of `places`, which were gathered from the view; int64 (n,)."""
    points, rest = places.ids[: places.n_points], places.ids[places.n_points :]
    pois = view.pois
    of_points = poi_category(tag_table(pois["tags"]))[pois.index.get_indexer(pd.Index(points))]
    if len(rest) == 0:
        return np.asarray(of_points)
    buildings = view.buildings
    of_rest = poi_category(tag_table(buildings["tags"]))[buildings.index.get_indexer(pd.Index(rest))]
    return np.concatenate([of_points, of_rest])
