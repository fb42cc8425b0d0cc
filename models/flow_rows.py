"""Floor: a region's row and column of the trip table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.model import Model

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

_ROWS = 1024
"""Regions whose trips are spread out at once."""


@dataclass(frozen=True)
class FlowRows(Model):
    """Log of the trips from and to every region.

    Cities with more regions than `max_partners` keep those with the most trips (out and in together; ties by id) as columns
    and sum all others in one further column per direction.

    Parameters
    ----------
    max_partners
        Most partner regions kept as columns.
    """

    max_partners: int = 4096

    card = ModelCard(
        title="Flow rows",
        summary="Log of the trips from and to every region.",
        needs=("flow",),
        embeds=("region",),
        floor=True,
        transfers="transductive",
        transfers_why="its columns are the city's own regions",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return ``log1p`` of (trips to each partner, trips from each partner), shape (n, 2 x partners)."""
        import numpy as np
        from scipy import sparse

        from urbanbench.need import NUMBER, refuse_beyond_memory
        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.texts.counts import rows_of, trip_matrix

        del seed, device
        trips = trip_matrix(view)
        partner, columns = self._partners(
            np.asarray(trips.sum(axis=0)).ravel() + np.asarray(trips.sum(axis=1)).ravel()
        )
        gather = sparse.csr_array(
            (np.ones(len(partner)), (np.arange(len(partner)), partner)), shape=(len(partner), columns)
        )
        asked = rows_of(view.region_ids, units.ids)
        told = f"{len(asked):,} regions with {2 * columns:,} numbers of trips each"
        refuse_beyond_memory(told, 2 * len(asked) * 2 * columns * NUMBER, mend="--set max_partners=512")
        sides = trips[asked] @ gather, trips.T.tocsr()[asked] @ gather
        vectors = np.empty((len(asked), 2 * columns), dtype=np.float32)
        for first in range(0, len(asked), _ROWS):
            some = slice(first, first + _ROWS)
            vectors[some] = np.log1p(np.hstack([side[some].toarray() for side in sides]))
        return EmbeddingSpace("region", np.array(units.ids), vectors)

    def _partners(self, totals: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the column of every region (n,) and the number of columns."""
        import numpy as np

        if len(totals) <= self.max_partners:
            return np.arange(len(totals)), len(totals)
        column = np.full(len(totals), self.max_partners)
        column[np.sort(np.argsort(-totals, kind="stable")[: self.max_partners])] = np.arange(
            self.max_partners
        )
        return column, self.max_partners + 1
