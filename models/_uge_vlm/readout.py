"""Vectors of items from a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.progress import tracking
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.training.transfer import runs_behind

if TYPE_CHECKING:
    from urbanbench.items import Item
    from urbanbench.models._uge_vlm.pretrain import Trained
    from urbanbench.models.uge_vlm import UgeVLM
    from urbanbench.units import Units

__all__ = ["embed_items"]


def embed_items(model: UgeVLM, trained: Trained, units: Units) -> EmbeddingSpace:
    """Return vectors float32 (n, dim) of length 1; zeros for items that are not shown or of which nothing can be read."""
    shown = trained.material.view.items
    found = {k: shown[name] for k, name in enumerate(units.ids) if name in shown}
    readable = {k: trained.material.readable(item) for k, item in found.items()}
    rows = [k for k, item in readable.items() if item is not None]
    vectors = np.zeros((len(units), trained.net.backbone.dim), dtype=np.float32)
    rows.sort(key=lambda k: _length(readable[k]))
    with tracking(f"embed {len(rows)} items", len(rows)) as bar:
        for start in range(0, len(rows), model.embed_batch):
            some = rows[start : start + model.embed_batch]
            vectors[some] = _vectors(
                model, trained, [item for k in some if (item := readable[k]) is not None]
            )
            bar.advance(len(some))
    covered = np.zeros(len(units), dtype=bool)
    covered[rows] = True
    return EmbeddingSpace("item", np.array(units.ids), vectors, covered)


def _vectors(model: UgeVLM, trained: Trained, items: list[Item]) -> np.ndarray:
    turns, graphs = trained.material.turns(items)
    material, home = trained.material, trained.net.backbone.words.weight.device
    texts = material.graphs.texts if material.graphs is not None else torch.empty(0)
    narrow = model.precision == "bfloat16" or (model.precision == "auto" and runs_behind(home))
    with torch.inference_mode(), torch.autocast(home.type, dtype=torch.bfloat16, enabled=narrow):
        made: np.ndarray = trained.net(turns, graphs, texts).cpu().numpy()
    return made


def _length(item: Item | None) -> tuple[bool, bool, int]:
    """Return what items of about the same number of tokens have about the same of, so that batches have little padding."""
    return (False, False, 0) if item is None else (bool(item.image), bool(item.graph), len(item.text))
