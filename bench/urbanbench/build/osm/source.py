"""Opening an OpenStreetMap file: what it may be called, its box, and how damage is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from urbanbench.errors import BadInput, DataMissing, ExtraMissing, UrbanbenchError

__all__ = ["check_extract", "extract_box", "osmium_package", "told_damage"]

_SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.xml", ".osm.gz", ".osm.bz2")


def osmium_package() -> Any:
    """Import osmium.

    Raises
    ------
    ExtraMissing
        It is not installed.
    """
    try:
        import osmium
    except ImportError as error:
        msg = "Reading an OpenStreetMap file needs the package osmium, which is not installed. Mend: pip install 'urbanbench[osm]'"
        raise ExtraMissing(msg) from error
    return osmium


def check_extract(path: Path) -> Path:
    """Return the absolute path of an extract; osmium itself would also take addresses and standard input.

    Raises
    ------
    DataMissing
        No such file.
    BadInput
        A name that does not end like an OpenStreetMap file.
    """
    if not path.is_file():
        msg = f"No OpenStreetMap file {str(path)!r}. Expected an extract such as city.osm.pbf. Extracts of regions are at download.geofabrik.de, of any box at extract.bbbike.org."
        raise DataMissing(msg)
    if not path.name.lower().endswith(_SUFFIXES):
        msg = f"The OpenStreetMap file {path.name!r} has an unknown kind. Expected a name that ends in {', '.join(_SUFFIXES)}."
        raise BadInput(msg)
    return path.absolute()


@contextmanager
def told_damage(path: Path) -> Iterator[None]:
    """Turn whatever osmium raises for a damaged file into one sentence.

    Raises
    ------
    BadInput
        The file cannot be read to its end.
    """
    kinds = (RuntimeError, ValueError, LookupError, OSError, OverflowError, MemoryError)
    try:
        yield
    except UrbanbenchError:
        raise
    except (*kinds, osmium_package().InvalidLocationError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        msg = f"{path.name}: expected an OpenStreetMap file that can be read to its end, found a fault ({reason}). Mend: fetch it again, and check it with `osmium fileinfo -e {path.name}`."
        raise BadInput(msg) from error


def extract_box(path: Path) -> tuple[float, float, float, float] | None:
    """Return the box in the file's header, (west, south, east, north) in degrees; None where it states none."""
    osmium = osmium_package()
    with told_damage(path), osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        box = reader.header().box()
        if not box.valid():
            return None
        low, high = box.bottom_left, box.top_right
        return low.lon, low.lat, high.lon, high.lat
