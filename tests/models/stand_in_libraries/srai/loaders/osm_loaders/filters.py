"""A stand-in for srai.loaders.osm_loaders.filters: the same names and signatures, nothing to install."""

HEX2VEC_FILTER = {
    "amenity": ["cafe", "restaurant", "school", "bank"],
    "shop": ["supermarket", "bakery"],
    "building": ["apartments", "residential", "house"],
}
BASE_OSM_GROUPS_FILTER = {
    "food": {"amenity": ["cafe", "restaurant"], "shop": "bakery"},
    "learning": {"amenity": ["school"]},
}
