"""The vocabulary of toyville: kinds of places by category, and the words their names are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CATEGORIES = (
    "food",
    "retail",
    "service",
    "office",
    "works",
    "school",
    "civic",
    "health",
    "transport",
    "leisure",
    "lodging",
    "neighbourhood",
    "furniture",
)


@dataclass(frozen=True)
class Kind:
    """A kind of place: an OpenStreetMap tag, how common it is in its category, and who it is for.

    Attributes
    ----------
    key, value
        The tag.
    weight
        Relative frequency in its category.
    tilt
        Above 0 for kinds that are commoner in wealthy places, below 0 for poor ones.
    """

    key: str
    value: str
    weight: float
    tilt: float = 0.0


KINDS: dict[str, tuple[Kind, ...]] = {
    "food": (
        Kind("amenity", "restaurant", 5, 0.3),
        Kind("amenity", "cafe", 3, 0.3),
        Kind("amenity", "fast_food", 3, -0.5),
        Kind("amenity", "bar", 1),
        Kind("shop", "bakery", 1.2),
    ),
    "retail": (
        Kind("shop", "convenience", 3, -0.3),
        Kind("shop", "supermarket", 1.5),
        Kind("shop", "clothes", 2, 0.2),
        Kind("shop", "jewelry", 0.5, 0.6),
        Kind("shop", "art", 0.4, 0.8),
        Kind("shop", "second_hand", 0.6, -0.7),
        Kind("shop", "mobile_phone", 0.9, -0.3),
        Kind("shop", "furniture", 0.7, 0.2),
    ),
    "service": (
        Kind("shop", "hairdresser", 2),
        Kind("shop", "laundry", 1, -0.4),
        Kind("amenity", "bank", 1, 0.2),
        Kind("amenity", "atm", 1),
        Kind("shop", "pawnbroker", 0.4, -0.8),
        Kind("shop", "car_repair", 0.8, -0.3),
    ),
    "office": (
        Kind("office", "company", 4),
        Kind("office", "lawyer", 0.8, 0.4),
        Kind("office", "insurance", 0.8),
        Kind("office", "estate_agent", 0.7, 0.3),
    ),
    "works": (
        Kind("man_made", "works", 2),
        Kind("craft", "metal_construction", 1),
        Kind("shop", "trade", 1),
        Kind("office", "logistics", 1.2),
        Kind("man_made", "storage_tank", 0.8),
    ),
    "school": (
        Kind("amenity", "school", 3),
        Kind("amenity", "kindergarten", 2),
        Kind("amenity", "university", 0.7),
        Kind("amenity", "library", 0.8),
        Kind("amenity", "college", 0.7),
    ),
    "civic": (
        Kind("amenity", "place_of_worship", 2),
        Kind("amenity", "townhall", 0.5),
        Kind("amenity", "police", 0.6),
        Kind("amenity", "community_centre", 1.2),
        Kind("amenity", "post_office", 0.8),
    ),
    "health": (
        Kind("amenity", "clinic", 1.5),
        Kind("amenity", "pharmacy", 2),
        Kind("amenity", "dentist", 1.2, 0.3),
        Kind("amenity", "hospital", 0.4),
    ),
    "transport": (
        Kind("highway", "bus_stop", 4),
        Kind("railway", "station", 0.8),
        Kind("amenity", "taxi", 0.7),
        Kind("amenity", "parking", 2),
        Kind("railway", "subway_entrance", 1.2),
    ),
    "leisure": (
        Kind("leisure", "playground", 2),
        Kind("leisure", "pitch", 2),
        Kind("leisure", "fitness_centre", 1, 0.3),
        Kind("leisure", "sports_centre", 1),
        Kind("amenity", "theatre", 0.4, 0.4),
        Kind("tourism", "viewpoint", 0.5),
    ),
    "lodging": (
        Kind("tourism", "hotel", 2, 0.3),
        Kind("tourism", "hostel", 1, -0.4),
        Kind("tourism", "guest_house", 1),
    ),
    "neighbourhood": (
        Kind("amenity", "recycling", 2),
        Kind("amenity", "childcare", 1, 0.2),
        Kind("leisure", "garden", 1.2, 0.3),
        Kind("amenity", "letter_box", 1.5),
        Kind("barrier", "gate", 1.2),
    ),
    "furniture": (
        Kind("amenity", "bench", 4),
        Kind("amenity", "waste_basket", 3),
        Kind("amenity", "bicycle_parking", 2),
        Kind("highway", "crossing", 3),
        Kind("barrier", "bollard", 1.5),
        Kind("amenity", "post_box", 1),
        Kind("natural", "tree", 2),
    ),
}

# Rows: block types or building functions (`TYPES`); columns: CATEGORIES.
CATEGORY_ODDS = np.array(
    [
        [5, 8, 9, 2, 1, 5, 3, 4, 6, 7, 1, 36, 15],
        [21, 20, 14, 6, 1, 2, 2, 4, 5, 3, 3, 11, 9],
        [22, 25, 9, 22, 1, 1, 1, 3, 5, 2, 5, 1, 9],
        [5, 3, 6, 9, 56, 1, 1, 1, 8, 1, 1, 1, 10],
        [5, 3, 3, 2, 1, 56, 4, 2, 6, 8, 1, 3, 9],
        [5, 3, 4, 6, 1, 5, 42, 22, 5, 3, 1, 2, 8],
        [13, 8, 6, 3, 4, 1, 2, 1, 53, 1, 3, 1, 9],
        [6, 2, 2, 1, 1, 2, 3, 1, 5, 52, 2, 4, 20],
    ],
    dtype=np.float64,
)
CATEGORY_ODDS = CATEGORY_ODDS / CATEGORY_ODDS.sum(axis=1, keepdims=True)

TIERS = ("plain", "middle", "fine")
NAMED = np.array([0.95, 0.9, 0.7, 0.9, 0.75, 0.98, 0.95, 0.9, 0.3, 0.35, 1.0, 0.15, 0.0])
"""Share of the places of each category that carry a name."""

CUISINE = {
    "plain": ("noodle", "burger", "kebab", "chicken", "fried_food"),
    "middle": ("pizza", "regional", "sushi", "curry", "sandwich"),
    "fine": ("french", "seafood", "tasting_menu", "wine_bar", "fusion"),
}
HOURS = {
    "plain": ("24/7", "Mo-Su 06:00-24:00", "Mo-Su 07:00-23:00"),
    "middle": ("Mo-Sa 09:00-21:00", "Mo-Fr 08:00-18:00", "Mo-Su 09:00-20:00"),
    "fine": ("Tu-Sa 18:00-23:00", "Mo-Sa 11:00-19:00", "We-Su 12:00-22:00"),
}
FIRST = {
    "plain": ("Lucky", "Quick", "Super", "Corner", "Joe's", "Best", "Budget", "Golden", "City", "Uncle Bo's"),
    "middle": (
        "Harbour",
        "Old Mill",
        "Station",
        "Garden",
        "Market",
        "Bridge",
        "Riverside",
        "Sunny",
        "Linden",
        "Union",
    ),
    "fine": (
        "Maison",
        "Atelier",
        "The Gilded",
        "Villa",
        "Belvedere",
        "Casa Aurea",
        "Royal",
        "Salon",
        "Opaline",
        "Orchid",
    ),
}
LAST = {
    "food": ("Kitchen", "Grill", "Table", "Eatery", "Spoon", "Canteen"),
    "retail": ("Store", "Goods", "Mart", "Shop", "Boutique"),
    "service": ("Services", "Cuts", "Express", "Counter"),
    "office": ("Partners", "Associates", "Consult", "Group"),
    "works": ("Works", "Metal", "Logistics", "Depot", "Plant"),
    "school": ("School", "Academy", "Learning Centre", "Primary"),
    "civic": ("Hall", "Chapel", "Community House", "Bureau"),
    "health": ("Clinic", "Pharmacy", "Dental Care", "Medical"),
    "transport": ("Station", "Stop", "Interchange", "Parking"),
    "leisure": ("Park", "Club", "Court", "Playground"),
    "lodging": ("Hotel", "Inn", "Rooms", "Lodge"),
    "neighbourhood": ("Garden", "Kindercare", "Green", "Gate"),
    "furniture": ("Bench",),
}
STREET_STEM = (
    "Alder",
    "Beacon",
    "Cooper",
    "Dyer",
    "Elm",
    "Ferry",
    "Granary",
    "Hazel",
    "Ivory",
    "Juniper",
    "Kiln",
    "Lantern",
    "Mason",
    "North",
    "Orchard",
    "Poplar",
    "Quarry",
    "Rope",
    "Saddler",
    "Tanner",
    "Upper",
    "Vine",
    "Weaver",
    "Yarrow",
)
STREET_KIND = {"motorway": "Expressway", "primary": "Avenue", "secondary": "Road", "residential": "Street"}
PLACE_STEM = (
    "Alder",
    "Brook",
    "Cold",
    "Dun",
    "East",
    "Fern",
    "Glen",
    "Holm",
    "Kings",
    "Lang",
    "Mill",
    "Nor",
    "Oak",
    "Rose",
)
PLACE_END = (
    "bridge",
    "bury",
    "dale",
    "field",
    "ford",
    "gate",
    "ham",
    "hurst",
    "ley",
    "mere",
    "side",
    "ton",
    "wick",
    "wood",
)
