"""How much of anything a city folder may hold; what claims more is refused before memory is asked for."""

from __future__ import annotations

__all__ = [
    "BYTES_PER_FEATURE_ROW",
    "BYTES_PER_ROW",
    "FREE_BYTES",
    "FREE_ROWS",
    "MAX_DEPTH",
    "MAX_HEIGHT_M",
    "MAX_JSON_BYTES",
    "MAX_METRES",
    "MAX_NUMBER",
    "MAX_PACKED_BYTES",
    "MAX_PACKED_FILES",
    "MAX_PACK_LIST_BYTES",
    "MAX_PACK_RATIO",
    "MAX_RASTER_BANDS",
    "MAX_RASTER_BLOCK_BYTES",
    "MAX_RASTER_FILES",
    "MAX_RASTER_NUMBERS",
    "MAX_ROWS",
    "MAX_TAG_BYTES",
    "MAX_TEXT_BYTES",
    "MIB",
    "unfolded_limit",
]

MIB = 2**20

MAX_JSON_BYTES = 16 * MIB
"""A city.json above this size is refused: real ones have some kilobytes."""

MAX_DEPTH = 32
"""Lists and objects inside one another in city.json and in GeoParquet metadata."""

MAX_ROWS = {"regions": 1_000_000, "flows": 30_000_000, "": 20_000_000}
"""Rows of a table by layer; "" stands for every other table."""

FREE_ROWS = 100_000
"""A table with geometry that has more rows has a byte of its file for each: places differ, so they cannot be packed closer."""

FREE_BYTES, BYTES_PER_ROW, BYTES_PER_FEATURE_ROW = 256 * MIB, 1024, 32 * 1024
"""What a table may unfold to: a part that is free, and so much for each of its rows."""

MAX_TEXT_BYTES, MAX_TAG_BYTES = MIB, 16 * 1024
"""The longest text in a column; the longest key or value of a tag."""

MAX_NUMBER = 1e18
"""The largest number, positive or negative, that a label, a trip or a support may be: sums and squares of more lose their meaning."""

MAX_HEIGHT_M = 10_000.0
"""No building is higher; larger numbers stand for an unknown height in many files."""

MAX_METRES = 1e8
"""No projected coordinate of the earth is larger."""

MAX_PACKED_FILES, MAX_PACKED_BYTES = 500_000, 2**38
"""Files of an archive, and bytes (256 GiB) that all of them may hold when unpacked."""

MAX_PACK_RATIO = 100
"""Times its own size, beside `FREE_BYTES`, to which an archive may unfold: pictures and Parquet hardly shrink, tables of numbers tenfold."""

MAX_PACK_LIST_BYTES = 128 * MIB
"""The list of files and hashes at the front of a packed city."""

MAX_RASTER_FILES, MAX_RASTER_BANDS = 10_000, 4096
"""Files of a layer of rasters; bands of each."""

MAX_RASTER_NUMBERS = 200_000_000_000
"""Numbers (pixels times bands) of all files of a layer of rasters: 64 bands of a square of 550 km at 10 m."""

MAX_RASTER_BLOCK_BYTES = 256 * MIB
"""The parts in which a raster is stored are unpacked whole: a larger one is refused."""


def unfolded_limit(rows: int, *, features: bool = False) -> int:
    """Return the bytes that a table of so many rows may unfold to.

    Examples
    --------
    >>> unfolded_limit(1_000_000) // MIB  # a million buildings
    1232
    """
    return FREE_BYTES + rows * (BYTES_PER_FEATURE_ROW if features else BYTES_PER_ROW)
