"""Floor: vectors of pure noise; what a head makes of columns without any information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.items import MODALITIES
from urbanbench.model import Model
from urbanbench.seeds import generator
from urbanbench.units import LEVELS

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class RandomVectors(Model):
    """Standard normal vectors that depend on the seed and the unit's id alone.

    Parameters
    ----------
    dim
        Length of a vector.
    """

    dim: int = 256

    card = ModelCard(
        title="Random vectors",
        summary="Standard normal noise for every unit or item.",
        needs=(),
        embeds=(*LEVELS, *MODALITIES),
        floor=True,
        transfers="fixed",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return noise (n, dim); a unit's row does not depend on which other units are asked for."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace

        del view, device
        vectors = np.empty((len(units), self.dim), dtype=np.float32)
        for row, one in enumerate(units.ids):
            vectors[row] = generator(seed, "random", units.level, one).standard_normal(
                self.dim, dtype=np.float32
            )
        return EmbeddingSpace(units.level, np.array(units.ids), vectors)
