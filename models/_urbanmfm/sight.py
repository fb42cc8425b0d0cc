"""What is seen of the streets from any place: the street-view memory with everything it is asked with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.models._urbanmfm.memory import StreetMemory, street_vectors

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from urbanbench.models._urbanmfm.micro import Street
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.streets import Streets
    from urbanbench.toolkit.features._feature_rows import PictureRows


@dataclass(frozen=True, eq=False)
class StreetSight:
    """The street views of a city and how places see them.

    Parameters
    ----------
    net
        Its image projection and direction gate are used.
    streets, pictures
        Sampling points, and features of their pictures.
    max_dist_m, cap
        Largest distance of a point, metres, and most points of a place.
    prior, temperature
        Of Eq. 13, see `street_vectors`.
    """

    net: UrbanNet
    streets: Streets
    pictures: PictureRows
    max_dist_m: float = 1000.0
    cap: int = 16
    prior: str = "literal"
    temperature: float = 0.5

    def memory(self, xy: np.ndarray) -> StreetMemory:
        """Return the memory of the places `xy`, float64 (n, 2) in metres."""
        return StreetMemory(self.streets, xy, max_dist_m=self.max_dist_m, cap=self.cap, ok=self.pictures.ok)

    def street(self, memory: StreetMemory) -> Street:
        """Return the function that gives E_v of places by their rows in a memory and their texts."""

        def seen(rows: np.ndarray, text: Tensor) -> Tensor:
            return street_vectors(
                self.net,
                self.pictures,
                memory,
                rows,
                text,
                prior=self.prior,
                temperature=self.temperature,
            )

        return seen
