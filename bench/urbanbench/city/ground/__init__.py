"""Pictures of any square of ground: cut from a GeoTIFF or from map tiles, or drawn from a city's own layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Box", "Ground"]

Box = tuple[float, float, float, float]
"""(minx, miny, maxx, maxy) in metres, in the city's CRS."""


class Ground(Protocol):
    """Something that shows ground from above.

    Attributes
    ----------
    words
        What it is, for `note` in city.json.
    """

    words: str

    def picture(self, box: Box, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Show a square of ground, north up.

        Parameters
        ----------
        box
            The square, in the city's CRS.
        size
            Pixels per side.

        Returns
        -------
        pixels
            uint8 (size, size, 3).
        known
            bool (size, size): False where the source shows nothing.
        """
