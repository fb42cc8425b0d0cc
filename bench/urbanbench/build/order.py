"""An order: everything a user asks of a build, judged before anything is read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urbanbench.build.files import there
from urbanbench.build.labels.wish import Wish
from urbanbench.city.folder.manifest import is_name
from urbanbench.errors import BadInput, UnknownName

__all__ = ["BLOCKS", "CELLS", "Order", "are_made", "read_about"]

BLOCKS = "blocks"
CELLS = ("grid:", "h3:")
_MAPS = ("osm", "tiles", "overture")
_PARTS = ("regions", *_MAPS, "street_views", "satellite", "raster_embedding", "flows")
_WORDS = ("source", "date", "licence", "attribution", "note", "kind")


@dataclass(frozen=True)
class Order:
    """What is to be built.

    Parameters
    ----------
    name, title
        For paths, and for people.
    regions
        A vector file, ``grid:METRES``, ``h3:RESOLUTION`` or ``blocks``.
    osm, tiles, overture
        The map: an OpenStreetMap extract; vector tiles, as a folder, MBTiles or PMTiles; a folder of Overture's GeoParquet. One of them, or none.
    zoom
        Zoom level of the tiles; the highest there is when left out.
    least_confidence
        Overture's places below this confidence are left out; 0 keeps all, also those that state none.
    id_column, name_column, layer, file_crs
        Of a file of regions; see `urbanbench.build.regions.drawn.drawn_regions`.
    within
        ``W,S,E,N`` in degrees or a vector file: the area to build; the extract's own box when left out.
    least_km2, most_km2
        Smallest and largest area of a region.
    crs
        The city's CRS; proposed when left out.
    reach_m
        How far from the regions map objects are kept, in metres.
    labels
        What `urbanbench.build.labels.read.read_wishes` gave.
    street_views, satellite, flows
        Folder, raster or tiles, table.
    picture_size
        Pixels per side of satellite pictures.
    raster_embedding, raster_embedding_law
        File or folder of embedding rasters, and how their numbers become values; see `urbanbench.build.rasters.cut.open_rasters`.
    about
        What is known of each part: "regions", "osm", "tiles", "overture", "street_views", "satellite", "raster_embedding", "flows" to source, date, licence, attribution, note, kind.

    Raises
    ------
    BadInput
        A name that cannot be one, sizes that exclude each other, blocks without roads.
    """

    name: str
    regions: str
    osm: Path | None = None
    tiles: Path | None = None
    zoom: int | None = None
    overture: Path | None = None
    least_confidence: float = 0.0
    title: str = ""
    id_column: str = ""
    name_column: str = ""
    layer: str = ""
    file_crs: str = ""
    within: str = ""
    least_km2: float = 0.0
    most_km2: float = float("inf")
    crs: str = ""
    reach_m: float = 200.0
    labels: tuple[Wish, ...] = ()
    street_views: Path | None = None
    satellite: Path | None = None
    flows: Path | None = None
    picture_size: int = 256
    raster_embedding: Path | None = None
    raster_embedding_law: str = ""
    about: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not is_name(self.name):
            msg = f"The city's name is {self.name[:60]!r}. Expected letters, digits, '_', '-' and '.', the first a letter or digit; --title may hold any text."
            raise BadInput(msg)
        if not 0 <= self.least_km2 <= self.most_km2:
            msg = f"--min-area {self.least_km2:g} and --max-area {self.most_km2:g} leave no region. Expected 0 <= min <= max, in km2."
            raise BadInput(msg)
        if not 0 <= self.reach_m <= 50_000:
            msg = f"--reach got {self.reach_m:g}. Expected 0 to 50000 metres."
            raise BadInput(msg)
        self._check_map()

    def _check_map(self) -> None:
        given = [f"--{name}" for name in _MAPS if getattr(self, name) is not None]
        if len(given) > 1:
            msg = f"{' and '.join(given)} are two maps of one city. Expected one of --osm, --tiles and --overture. Mend: build a city of each."
            raise BadInput(msg)
        if self.regions == BLOCKS and not given:
            msg = (
                "--regions blocks needs roads. Expected a map: --osm FILE, --tiles FILE or --overture FOLDER."
            )
            raise BadInput(msg)
        if self.zoom is not None and (self.tiles is None or not 0 <= self.zoom <= 30):
            msg = f"--zoom got {self.zoom}. Expected 0 to 30, with --tiles FILE."
            raise BadInput(msg)
        if self.least_confidence and (self.overture is None or not 0 <= self.least_confidence <= 1):
            msg = f"--min-confidence got {self.least_confidence:g}. Expected 0 to 1, with --overture FOLDER."
            raise BadInput(msg)

    @property
    def made_regions(self) -> bool:
        """Whether the regions are made here, not read from a file."""
        return are_made(self.regions)

    def told(self, part: str, **known: str) -> dict[str, str]:
        """Return the words for an entry of city.json: what is known by itself, and over it what the user says."""
        return {**known, **{key: text for key, text in self.about.get(part, {}).items() if key != "kind"}}


def are_made(regions: str) -> bool:
    """Tell whether a word for regions has them made, and is not a file of them."""
    return regions == BLOCKS or regions.startswith(CELLS)


def read_about(path: Path) -> dict[str, dict[str, str]]:
    """Read a TOML file with a section for each part of a city: source, date, licence, attribution, note, kind.

    Raises
    ------
    DataMissing, BadInput, UnknownName
        No such file; no TOML; a section or key that means nothing.
    """
    try:
        sections: dict[str, Any] = tomllib.loads(there(path, "--about").read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path.name}: expected TOML with sections such as [regions], found a fault ({error})."
        raise BadInput(msg) from error
    for name, section in sections.items():
        if name not in _PARTS:
            kind = f"section of {path.name}"
            raise UnknownName(kind, name, _PARTS)
        for key in section if isinstance(section, dict) else [str(section)]:
            if key not in _WORDS:
                kind = f"key of [{name}] in {path.name}"
                raise UnknownName(kind, key, _WORDS)
    return {name: {key: str(text) for key, text in section.items()} for name, section in sections.items()}
