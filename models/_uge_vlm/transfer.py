"""What UGE on a vision-language model takes from one city to another, or from a folder: adapters and graph encoder, never the base weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from urbanbench.errors import BadInput
from urbanbench.learned import Learned
from urbanbench.models._uge_vlm.folder import choose_folder
from urbanbench.models._uge_vlm.pretrain import Trained, made_new
from urbanbench.toolkit.kept.weights import named_tensors, put_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from urbanbench.city.item_view import ItemView
    from urbanbench.models.uge_vlm import UgeVLM

__all__ = ["learned_of", "trained_elsewhere"]

ADAPTERS, GRAPHS = "adapters", "graphs"


def learned_of(model: UgeVLM, trained: Trained) -> Learned:
    """Return adapters and graph encoder, and the name of the weights that they belong to."""
    net = trained.net
    arrays = {f"{ADAPTERS}/{name}": one.numpy() for name, one in net.backbone.adapters().items()}
    if net.graphs is not None:
        arrays |= {name: one.numpy() for name, one in named_tensors({GRAPHS: net.graphs}).items()}
    return Learned(arrays, {"weights": choose_folder(model.weights).name})


def trained_elsewhere(model: UgeVLM, learned: Learned, view: ItemView, *, seed: int, device: str) -> Trained:
    """Read a view with what was learned on another; nothing is trained.

    Raises
    ------
    BadInput
        It was learned on other weights.
    """
    own, other = choose_folder(model.weights).name, learned.facts.get("weights", "")
    if other not in {"", own}:
        msg = f"What was learned belongs to {other!r}, and the weights named are {own!r}. Expected the same weights. Mend: --set weights=/path/to/those"
        raise BadInput(msg)
    graphs = _part(learned, GRAPHS)
    made = made_new(model, view, with_graph=bool(graphs), lessons=False, seed=seed, device=device)
    made.net.backbone.put_adapters(_part(learned, ADAPTERS))
    if made.net.graphs is not None:
        put_tensors({GRAPHS: made.net.graphs}, {f"{GRAPHS}/{name}": one for name, one in graphs.items()})
    made.net.eval()
    return made


def _part(learned: Learned, part: str) -> Mapping[str, Tensor]:
    start = f"{part}/"
    return {
        name.removeprefix(start): torch.from_numpy(one.copy())
        for name, one in learned.arrays.items()
        if name.startswith(start)
    }
