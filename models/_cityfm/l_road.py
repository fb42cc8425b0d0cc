"""Third stage: roads that about as many bus routes use have contexts that belong together (context to context)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._cityfm.l_text import text_groups
from urbanbench.models._cityfm.net import CityNet, means
from urbanbench.toolkit.training.contrastive import nt_xent
from urbanbench.toolkit.training.distributed import gathered, own_part, processes

if TYPE_CHECKING:
    from urbanbench.toolkit.features._feature_rows import FeatureRows
    from urbanbench.toolkit.ground.neighbours import Groups

__all__ = ["RoadObjective", "pair_roads"]


class RoadObjective:
    """L_road. An anchor is a road that bus routes use; roads of a batch are paired by how many.

    Parameters
    ----------
    net
        Its text projection is trained.
    texts
        Features of distinct texts; an encoder inside is trained along.
    contexts
        Rows of the texts at every road, the text of no POI last.
    routes
        int64 (g,): bus routes of every road.
    tolerance
        Largest difference inside a pair, as a share of the largest number of routes.
    temperature
        Of the loss.
    lr
        Learning rate of projection and encoder.
    device
        Where the net is.
    """

    name = "road"

    def __init__(
        self,
        net: CityNet,
        texts: FeatureRows,
        contexts: Groups,
        routes: np.ndarray,
        *,
        tolerance: float,
        temperature: float,
        lr: float,
        device: str,
    ) -> None:
        self.net, self.texts, self.contexts, self.routes = net, texts, contexts, routes
        # in whole routes, so that a difference on the edge does not hang on rounding
        self.reach = int(np.floor(tolerance * routes.max(initial=1) + 1e-9))
        self.temperature, self.lr, self.device = temperature, lr, device
        pairs = pair_roads(routes, self.reach) if len(routes) else np.empty((0, 2))
        self.n_anchors, self.chance = len(routes) if len(pairs) > 1 else 0, 0.0

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the text projection and, if it is trained, the text encoder."""
        return text_groups(self.net, self.texts, self.lr)

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained."""
        return (self.net.text, *self.texts.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return NT-Xent of the contexts of paired roads; 0 for a batch with fewer than two pairs, which teaches nothing."""
        pairs = pair_roads(self.routes[anchors], self.reach)
        pairs = pairs[: len(pairs) - len(pairs) % processes()]
        del rng  # batches come in a random order; nothing else is drawn
        if len(pairs) < 2:
            self.chance = 0.0
            return 0.0 * next(self.net.text.parameters()).sum()
        mine = anchors[pairs[own_part(len(pairs))]]
        vectors = self._vectors(mine.T.ravel())
        one, other = vectors[: len(mine)], vectors[len(mine) :]
        loss, self.chance = nt_xent(gathered(one), gathered(other), temperature=self.temperature)
        return loss

    def _vectors(self, roads: np.ndarray) -> Tensor:
        """Return the vectors of the contexts of some roads, (n, dim)."""
        member, owner = self.contexts.take(roads)
        distinct, place = np.unique(member, return_inverse=True)
        features = self.texts.rows(torch.from_numpy(distinct).to(self.device))
        rows, owners = (torch.from_numpy(one).to(self.device) for one in (place, owner))
        return self.net.encode_text(means(features, rows, owners, len(roads)))


def pair_roads(routes: np.ndarray, reach: int) -> np.ndarray:
    """Pair roads greedily in their order by the number of their routes; every number belongs to at most one pair.

    The first road of a number goes with the first road after it whose number is not used yet and differs by at most `reach`. That
    road has the number's second place, or another number's first, so only the first two roads of each number are looked at.

    Parameters
    ----------
    routes
        int64 (n,): routes of the roads in order.
    reach
        Largest difference.

    Returns
    -------
    numpy.ndarray
        int64 (p, 2): positions in `routes`, the earlier one first.
    """
    order = np.argsort(routes, kind="stable")
    numbers, begin, count = np.unique(routes[order], return_index=True, return_counts=True)
    first = order[begin]
    second = np.where(count > 1, order[np.minimum(begin + 1, len(order) - 1)], len(routes))
    free, pairs = np.ones(len(numbers), dtype=bool), []
    for here in np.argsort(first):
        if not free[here]:
            continue
        places = np.where(free & (np.abs(numbers - numbers[here]) <= reach), first, len(routes))
        places[here] = second[here]
        there = int(places.argmin())
        if places[there] < len(routes):
            pairs.append((first[here], places[there]))
            free[[here, there]] = False
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
