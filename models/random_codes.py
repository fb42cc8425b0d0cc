"""Floor: an untrained random vector for every category, pooled over a unit's objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput
from urbanbench.model import Model
from urbanbench.seeds import generator

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class RandomCodes(Model):
    """Standard normal vectors of categories, pooled as models pool their POIs.

    A trained model that averages POIs should know more than the same mean of random codes. A category's code depends on the seed
    and its name alone; an object with several categories has the sum of their codes.

    Parameters
    ----------
    pooling
        "mean" over a unit's objects, which is not covered without any; or "sum": per km² for regions, each number x as
        sign(x) · log1p(|x|), where no object is zeros and covered.
    dim
        Length of a code.
    objects
        Which objects, as in `places-counts`: "all", "kept", "places" or "footprints".
    radius_m
        How far from a building objects are read, in metres.
    """

    pooling: str = "mean"
    dim: int = 256
    objects: str = "places"
    radius_m: float = 100.0

    card = ModelCard(
        title="Random codes",
        summary="A random vector per category, pooled over the objects that models are shown.",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region", "building"),
        floor=True,
        family="attribution",
        transfers="fixed",
    )

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises
        ------
        UnknownName
            No such pooling or objects.
        BadInput
            A length below 1.
        """
        from urbanbench.toolkit.ground.objects import OBJECTS, POOLINGS, check_choice

        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("word for objects", self.objects, OBJECTS)
        if self.dim < 1:
            msg = f"Parameter 'dim' of RandomCodes is {self.dim}. Expected at least 1."
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return pooled codes (n, dim)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.ground.objects import count_categories, pooled

        del device
        found = count_categories(view, units, objects=self.objects, radius_m=self.radius_m)
        sums = np.asarray(found.counts @ self._codes(found.names, seed))
        vectors = pooled(view, units, sums, found.number, self.pooling)
        covered = (found.number > 0) | (self.pooling == "sum")
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32), covered)

    def _codes(self, names: tuple[str, ...], seed: int) -> np.ndarray:
        """Return float64 (c, dim)."""
        import numpy as np

        codes = np.empty((len(names), self.dim))
        for row, name in enumerate(names):
            codes[row] = generator(seed, "random-codes", name).standard_normal(self.dim)
        return codes
