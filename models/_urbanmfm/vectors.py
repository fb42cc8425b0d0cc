"""Vectors of POIs and footprints from trained parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from urbanbench.models._urbanmfm.net import unit

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.pretrain import Pretrained
    from urbanbench.models._urbanmfm.shapes import Shapes

CHUNK = 4096
"""Rows that go through the net at once."""


@torch.no_grad()
def text_vectors(trained: Pretrained) -> Tensor:
    """Return E_t of every POI at length 1, (n, d)."""
    parts = [trained.net.encode_text(chunk) for chunk in torch.split(trained.texts.features, CHUNK)]
    return unit(torch.cat(parts))[torch.from_numpy(trained.places.text).to(trained.device)]


@torch.no_grad()
def shape_vectors(net: UrbanNet, shapes: Shapes) -> Tensor:
    """Return E_p of footprints at length 1, (p, d)."""
    parts = zip(torch.split(shapes.features, CHUNK), torch.split(shapes.surface, CHUNK), strict=True)
    return unit(torch.cat([net.encode_shape(*part) for part in parts]))


@torch.no_grad()
def fused_vectors(trained: Pretrained) -> Tensor:
    """Return the vector of every POI, (n, d).

    It is E_j of Eqs. 23-25 where the global stage has trained the fusions; else the mean of those of E_t, E_p and E_v that the
    POI has, each at length 1.
    """
    if "global" in trained.trained:
        micro = trained.micro
        return torch.cat([micro.vectors(rows) for rows in _chunks(np.arange(len(trained.places)))])
    total = text_vectors(trained)
    count = total.new_ones(len(total), 1)
    for rows, vectors in (*_shaped(trained), *_seen(trained, total)):
        total[rows] += vectors
        count[rows] += 1
    return total / count


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


def _shaped(trained: Pretrained) -> list[tuple[Tensor, Tensor]]:
    """Return the rows of POIs with a footprint and their E_p at length 1; nothing without polygons."""
    if trained.shapes is None:
        return []
    row = torch.from_numpy(trained.places.shape).to(trained.device)
    rows = torch.nonzero(row >= 0)[:, 0]
    return [(rows, shape_vectors(trained.net, trained.shapes)[row[rows]])]


def _seen(trained: Pretrained, text: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return the rows of POIs with street views and their E_v at length 1, given E_t (n, d), some at a time."""
    micro = trained.micro
    if micro.street is None:
        return []
    return [
        (index := torch.from_numpy(rows).to(trained.device), unit(micro.street(rows, text[index])))
        for rows in _chunks(np.flatnonzero(micro.has_street))
    ]


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
