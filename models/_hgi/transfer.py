"""What HGI takes from one city to another: the vectors of its categories, and the weights of its net."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.learned import Learned
from urbanbench.models._hgi.material import build_material
from urbanbench.models._hgi.places import gather_places
from urbanbench.models._hgi.pretrain import Pretrained, build_net, place_graph
from urbanbench.toolkit.kept.weights import learned_weights, put_learned

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.hgi import HGI

__all__ = ["learned_of", "trained_elsewhere"]


def learned_of(model: HGI, trained: Pretrained) -> Learned:
    """Return the names and vectors of the categories, and the net."""
    del model
    net = learned_weights({"net": trained.net})
    table = trained.material.table.cpu().numpy()
    return Learned({**net.arrays, "categories": table}, {"names": trained.places.categories.names})


def trained_elsewhere(model: HGI, learned: Learned, view: View, *, seed: int, device: str) -> Pretrained:
    """Read a city with what was learned in another; a category which that one had not is all zeros."""
    places = gather_places(model, view, learned.facts["names"])
    graph = place_graph(model, places, seed=seed)
    known = learned.arrays["categories"]
    table = np.vstack([known, np.zeros((1, known.shape[1]), dtype=np.float32)])
    shapes = np.asarray(view.regions.geometry)
    material = build_material(model, places, graph, table, shapes, seed=seed, device=device)
    net = build_net(model, table.shape[1], seed=seed, device=device)
    put_learned({"net": net}, learned)
    return Pretrained(places, graph, material, net, (), device)
