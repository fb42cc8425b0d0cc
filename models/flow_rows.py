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
        both = (trips[asked] @ gather).toarray(), (trips.T.tocsr()[asked] @ gather).toarray()
        return EmbeddingSpace("region", np.array(units.ids), np.log1p(np.hstack(both)).astype(np.float32))

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
