"""The same city at other granularities: folders made once, and again when the city has changed; results are kept under their names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.locks import locked
from urbanbench.registry import city_folder, open_city, plain_name

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["MERGED", "make_scale", "scale_folder", "scale_title"]

MERGED = "merged"
"""Word of regions merged two or three at a time; others are ``hexagons:SIZE`` and ``by:LABEL.group``."""


def scale_folder(city: str, scale: str) -> Path:
    """Return where a city at another granularity is kept; its results are kept under the folder's name, "<city>-merged"."""
    from urbanbench.home import cache_root

    name = plain_name("city", city).replace(":", "-")
    return cache_root() / "cities" / "merged" / f"{name}-{scale.replace(':', '-')}"


def scale_title(scale: str) -> str:
    """Return what a granularity is called.

    Examples
    --------
    >>> scale_title("merged"), scale_title("hexagons:500m"), scale_title("by:popdensity.group")
    ('merged', 'hexagons 500m', 'by group')
    """
    kind, _, size = scale.partition(":")
    return f"by {size.rpartition('.')[2]}" if kind == "by" else f"{kind} {size}".strip()


def make_scale(city: str, scale: str, seed: int) -> None:
    """Make the folder under a lock, unless it is there and its city has not changed since; a note beside it says of which state it was made.

    Parameters
    ----------
    city
        Word of the city.
    scale
        "merged", "hexagons:500m" or "by:popdensity.group".
    seed
        Of the order in which regions are merged.
    """
    from urbanbench.atomic import write_text

    folder = scale_folder(city, scale)
    state, kept = _state(city, seed, folder.name), folder.with_name(f"{folder.name}.made-of.json")
    with locked(folder.with_name(f"{folder.name}.lock")):
        if folder.is_dir() and kept.is_file() and kept.read_text(encoding="utf-8") == state:
            return
        shutil.rmtree(folder, ignore_errors=True)
        kind, _, size = scale.partition(":")
        _MADE[kind](open_city(city), folder, size, seed)
        write_text(kept, state)


def _merged(city: City, folder: Path, _size: str, seed: int) -> None:
    from urbanbench.city.changing.merge import merge_regions

    merge_regions(city, folder, seed=seed, name=folder.name)


def _hexagons(city: City, folder: Path, size: str, _seed: int) -> None:
    from urbanbench.city.changing.hexagons import edge_of, hexagon_regions
    from urbanbench.city.changing.redraw import redraw_regions

    edge = edge_of(size)
    shapes = hexagon_regions(city.regions, edge)
    redraw_regions(city, folder, shapes, how=f"hexagons with edges of {edge:g} m", name=folder.name)


def _by(city: City, folder: Path, word: str, _seed: int) -> None:
    from urbanbench.city.changing.merge import join_regions

    label, _, column = word.rpartition(".")
    found = city.label(label)[column].reindex(list(city.unit_ids("region")))
    group = {str(one): None if value != value else str(value) for one, value in found.items()}  # noqa: PLR0124 - NaN
    join_regions(city, folder, group, by=word, name=folder.name)


_MADE: dict[str, Callable[[City, Path, str, int], None]] = {
    MERGED: _merged,
    "hexagons": _hexagons,
    "by": _by,
}


def _state(city: str, seed: int, name: str) -> str:
    """Describe a city folder's tables by size and time of change; pictures count through the tables that name them."""
    tables = sorted([*city_folder(city).rglob("*.parquet"), *city_folder(city).glob("*.json")])
    sizes = {str(path): [path.stat().st_size, path.stat().st_mtime_ns] for path in tables}
    return json.dumps({"seed": seed, "name": name, "files": sizes}, indent=1)
