"""What a region looks like from above: cut or put together from the city's pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from PIL import Image

from urbanbench.errors import CityFaults
from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.kept.feature_store import feature_code

if TYPE_CHECKING:
    from urbanbench.city.view import View

TILES = ("bbox", "fixed_1km")
SIDE_M = 1000.0
"""Side of the paper's tiles, about a kilometre."""

UNSEEN = (127, 127, 127)
"""Colour of ground that no picture shows."""

OPENED, LARGEST_KEPT = 128, 600_000
"""Decoded pictures kept, as neighbouring tiles need the same ones, and the pixels of the largest among them: 230 MB at most."""

_BOUNDS = ["minx", "miny", "maxx", "maxy"]


@dataclass(frozen=True, eq=False)
class Tiles:
    """The tiles of the regions that have a picture.

    Parameters
    ----------
    region
        int64 (k,): row of each tile's region in the view.
    box
        float64 (k, 4): minx, miny, maxx, maxy of the ground it shows, metres.
    images
        Paths of the p pictures, row i for region ``region[i]``.
    image_box
        float64 (p, 4): ground each picture shows.
    sources
        Pictures a tile is made of, its own left out.
    open_image
        Of the view.
    """

    region: np.ndarray
    box: np.ndarray
    images: tuple[str, ...]
    image_box: np.ndarray
    sources: Groups
    open_image: Callable[[str], Image.Image]
    _opened: Callable[[int], Image.Image] = field(init=False)

    def __post_init__(self) -> None:
        kept = lru_cache(maxsize=OPENED)(self._small)
        shared = len(self.sources.member) > 0
        object.__setattr__(
            self, "_opened", lambda row: (kept(row) if shared else None) or self.open_image(self.images[row])
        )

    def _small(self, row: int) -> Image.Image | None:
        """Return a picture to be kept; None for one that is too large."""
        picture = self.open_image(self.images[row])
        return picture if picture.width * picture.height <= LARGEST_KEPT else None

    def __len__(self) -> int:
        return len(self.region)

    @property
    def names(self) -> tuple[str, ...]:
        """Words that `opener` reads: the tiles' rows."""
        return tuple(map(str, range(len(self))))

    def opener(self, size: int) -> Callable[[str], Image.Image]:
        """Return the function that makes a tile of `size` pixels per side by its name; `CityFaults` where its own picture is broken."""
        return lambda name: self.compose(int(name), size)

    def compose(self, row: int, size: int) -> Image.Image:
        """Return a tile: what other pictures show of its ground, and its own picture on top; broken neighbours are left out."""
        canvas = Image.new("RGB", (size, size), UNSEEN)
        own = self._opened(row)
        for other in self.sources.member[self.sources.start[row] : self.sources.start[row + 1]].tolist():
            try:
                picture = self._opened(other)
            except (CityFaults, FileNotFoundError):
                continue
            _paste(canvas, self.box[row], picture, self.image_box[other])
        _paste(canvas, self.box[row], own, self.image_box[row])
        return canvas

    def digest(self, pictures_digest: str) -> str:
        """Hash the tiles, given the hash of all pictures, and the code that decodes pictures and cuts tiles."""
        # Millimetres from each tile's own corner: the same bits wherever the city lies.
        shown = np.round(1000 * (self.image_box - self.box[:, [0, 1, 0, 1]])).astype(np.int64)
        extent = np.round(1000 * (self.box[:, 2:] - self.box[:, :2])).astype(np.int64)
        parts = array_digest(shown, extent, self.sources.start, self.sources.member)
        return value_digest([pictures_digest, parts, code_digest(Path(__file__)), feature_code()])


def gather_tiles(view: View, tile: str) -> Tiles:
    """Read which ground each region's tile shows.

    Parameters
    ----------
    view
        A view that shows the input `satellite`.
    tile
        "bbox", the region's bounding box, from its own picture; "fixed_1km", a square kilometre around the middle of that box, from
        all pictures that show some of it.
    """
    frame = view.satellite.reindex(list(view.region_ids))
    region = np.flatnonzero(frame["image"].notna())
    image_box = frame[_BOUNDS].to_numpy(dtype=np.float64)[region]
    box = shapely.bounds(np.asarray(view.regions.geometry)[region]).reshape(-1, 4)
    others = Groups(np.zeros(len(region) + 1, dtype=np.int64), np.empty(0, dtype=np.int64))
    if tile == "fixed_1km":
        middle = (box[:, :2] + box[:, 2:]) / 2
        box = np.hstack([middle - SIDE_M / 2, middle + SIDE_M / 2])
        others = _overlapping(box, image_box)
    return Tiles(region, box, tuple(frame["image"].iloc[region]), image_box, others, view.open_image)


def _overlapping(box: np.ndarray, image_box: np.ndarray) -> Groups:
    """Return the other pictures that show ground of each tile."""
    tree = shapely.STRtree(shapely.box(*image_box.T))
    tile, image = tree.query(shapely.box(*box.T), predicate="intersects")
    return Groups.from_pairs(tile[tile != image], image[tile != image], len(box))


def _paste(canvas: Image.Image, box: np.ndarray, picture: Image.Image, shown: np.ndarray) -> None:
    """Draw what a picture of the ground `shown` has of the ground `box` into the canvas of that box; row 0 is the north."""
    size = canvas.width
    left, right = _span(box[0], box[2], shown[0], shown[2], size)
    top, bottom = _span(-box[3], -box[1], -shown[3], -shown[1], size)
    if right <= left or bottom <= top:
        return
    across = _places(box[0], box[2], shown[0], shown[2], left, right, size, picture.width)
    down = _places(-box[3], -box[1], -shown[3], -shown[1], top, bottom, size, picture.height)
    if across[1] <= across[0] or down[1] <= down[0]:
        return
    part = picture.resize(
        (right - left, bottom - top), Image.Resampling.BILINEAR, box=(across[0], down[0], across[1], down[1])
    )
    canvas.paste(part, (left, top))


def _span(low: float, high: float, first: float, last: float, size: int) -> tuple[int, int]:
    """Return the pixels of [low, high] that lie in [first, last], rounded to whole ones and clipped to the canvas."""
    # Rounded first, so that a millionth of a pixel never decides.
    place = np.round((np.array([first, last]) - low) / (high - low) * size, 6)
    begin, end = np.clip(np.floor(place + 0.5), 0, size).astype(int).tolist()
    return begin, end


def _places(
    low: float, high: float, first: float, last: float, begin: int, end: int, size: int, pixels: int
) -> tuple[float, float]:
    """Return where canvas pixels `begin` to `end` lie in a picture of [first, last], in its pixels."""
    ground = low + np.array([begin, end]) / size * (high - low)
    place = np.clip(np.round((ground - first) / (last - first) * pixels, 3), 0, pixels)
    return float(place[0]), float(place[1])
