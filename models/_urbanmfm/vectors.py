"""Vectors of POIs and footprints from trained parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from urbanbench.errors import RunRefused
from urbanbench.models._urbanmfm.net import unit

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.pretrain import Pretrained
    from urbanbench.models._urbanmfm.shapes import Shapes

CHUNK = 4096
"""Rows that go through the net at once."""

Part = tuple[Tensor, Tensor]
"""Rows of some POIs, int64 (m,), and vectors of theirs (m, d)."""


@torch.no_grad()
def text_vectors(trained: Pretrained, *, raw: bool = False) -> Tensor:
    """Return E_t of every POI at length 1, or with `raw` at its own, (n, d)."""
    parts = [trained.net.encode_text(chunk) for chunk in torch.split(trained.texts.features, CHUNK)]
    made = torch.cat(parts)
    made = made if raw else unit(made)
    return made[torch.from_numpy(trained.places.text).to(trained.device)]


@torch.no_grad()
def shape_vectors(net: UrbanNet, shapes: Shapes, *, raw: bool = False) -> Tensor:
    """Return E_p of footprints at length 1, or with `raw` at its own, (p, d)."""
    parts = zip(torch.split(shapes.features, CHUNK), torch.split(shapes.surface, CHUNK), strict=True)
    made = torch.cat([net.encode_shape(*part) for part in parts])
    return made if raw else unit(made)


@torch.no_grad()
def poi_vectors(trained: Pretrained, how: str = "auto", *, raw: bool = False) -> Tensor:
    """Return the vector of every POI, (n, d), or for "concat" (n, d for each kind there is in the city).

    Parameters
    ----------
    trained
        The trained parts, the same for all readouts.
    how
        "fused": E_j of Eqs. 23-25. "mean": the mean of those of E_t, E_p and E_v that the POI has. "concat": these side by side, zeros
        where it has none. "auto": fused where the global stage has trained the fusions, else the mean.
    raw
        Whether all of these keep their own lengths; else each has length 1.

    Raises
    ------
    RunRefused
        "fused", and nothing has trained the fusions.
    """
    learned = "global" in trained.trained
    if how == "fused" and not learned:
        msg = "UrbanMFM was asked for fused vectors of POIs, but the objective that trains the fusion was left out: no region has a satellite picture to be seen. Mend: allow the input satellite, or --set poi_vector=mean"
        raise RunRefused(msg)
    if learned and how in {"auto", "fused"}:
        rows = _chunks(np.arange(len(trained.places)))
        return torch.cat([trained.micro.vectors(part, raw=raw) for part in rows])
    text = text_vectors(trained, raw=raw)
    others = [one for one in (_shaped(trained, raw), _seen(trained, text, raw)) if one is not None]
    return _beside(text, others) if how == "concat" else _mean(text, others)


def _mean(text: Tensor, others: list[list[Part]]) -> Tensor:
    total, count = text.clone(), text.new_ones(len(text), 1)
    for rows, vectors in (part for parts in others for part in parts):
        total[rows] += vectors
        count[rows] += 1
    return total / count


def _beside(text: Tensor, others: list[list[Part]]) -> Tensor:
    blocks = [text]
    for parts in others:
        block = torch.zeros_like(text)
        for rows, vectors in parts:
            block[rows] = vectors
        blocks.append(block)
    return torch.cat(blocks, dim=1)


@torch.no_grad()
def graph_vectors(trained: Pretrained) -> Tensor:
    """Return the local graph encoder's vector of every POI as the centre of its own graph, (n, d)."""
    texts = trained.net.encode_text(trained.texts.features)
    text = torch.from_numpy(trained.places.text).to(trained.device)
    parts = []
    for start in range(0, len(trained.places), 256):
        stars = trained.material.stars.take(
            np.arange(start, min(start + 256, len(trained.places))), trained.device
        )
        parts.append(trained.net.local_graph.nodes(stars, texts[text[stars.node]])[:, 0])
    return torch.cat(parts)


def _shaped(trained: Pretrained, raw: bool) -> list[Part] | None:
    """Return the rows of POIs with a footprint and their E_p; None without polygons."""
    if trained.shapes is None:
        return None
    row = torch.from_numpy(trained.places.shape).to(trained.device)
    rows = torch.nonzero(row >= 0)[:, 0]
    return [(rows, shape_vectors(trained.net, trained.shapes, raw=raw)[row[rows]])]


def _seen(trained: Pretrained, text: Tensor, raw: bool) -> list[Part] | None:
    """Return the rows of POIs with street views and their E_v, given E_t (n, d), some at a time; None without street views."""
    micro = trained.micro
    if micro.street is None:
        return None
    parts = []
    for rows in _chunks(np.flatnonzero(micro.has_street)):
        index = torch.from_numpy(rows).to(trained.device)
        made = micro.street(rows, text[index])
        parts.append((index, made if raw else unit(made)))
    return parts


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
