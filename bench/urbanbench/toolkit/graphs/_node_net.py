"""Nodes of graphs as vectors: text and place of each, distance and bearing of edges, and GATv2 along them, as UGE has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.toolkit.graphs.flat import Batch
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

__all__ = ["Attended", "Edges", "GraphSizes", "NodeEncoder", "edge_inputs", "place_waves", "softmax_within"]

SCALES = 16
WAVES_M = (4.0, 16_384.0)
"""Shortest and longest wavelength of the location encoding: from the width of a street to the width of a town."""
PLACE_DIM = 64
SLOPE = 0.2
"""Of the leaky ReLU in GATv2's score (Brody et al. 2022)."""


@dataclass(frozen=True)
class GraphSizes:
    """What the encoder is made of.

    Parameters
    ----------
    text_dim
        Length of the texts' frozen vectors.
    dim, out, heads, layers, edge_dim
        Length of inner node vectors, and of what comes out, nodes or whole graphs; heads of attention, which are averaged; layers of attention, 0 for nodes that see no other; length of an edge's vector.
    place, edges
        Whether offsets of nodes are read, and whether anything of edges but who is joined with whom.
    dropout
        Of attention and of a layer's output.
    """

    text_dim: int
    dim: int
    out: int
    heads: int
    layers: int
    edge_dim: int
    place: bool
    edges: bool
    dropout: float


@dataclass(frozen=True, eq=False)
class Edges:
    """m directed edges, sorted by target, among n nodes.

    Parameters
    ----------
    source, target
        int64 (m,).
    start
        int64 (n,): where the edges that lead to each node begin.
    vector
        (m, edge_dim), or None.
    """

    source: Tensor
    target: Tensor
    start: Tensor
    vector: Tensor | None


class NodeEncoder(nn.Module):
    """Encodes the nodes of all graphs of a batch at once.

    A node is the vector of its text beside that of its place; layers of attention along edges follow, each with a residual and a
    normalisation, then two layers of output and a last normalisation. Nodes without edges are left as they are by attention.

    Parameters
    ----------
    sizes
        What it is made of.
    out
        Length of the vectors that are given back; 0 for `GraphSizes.out`.
    places, place_inputs
        What is read of offsets (n, 2), metres, float32 (n, place_inputs).
    """

    def __init__(
        self,
        sizes: GraphSizes,
        out: int = 0,
        *,
        places: Callable[[np.ndarray], np.ndarray] | None = None,
        place_inputs: int = 4 * SCALES,
    ) -> None:
        super().__init__()
        self.sizes, dim, out = sizes, sizes.dim, out or sizes.out
        self._places = places or place_waves
        self.of_text = nn.Linear(sizes.text_dim, dim)
        self.of_place = _mlp(place_inputs, PLACE_DIM, PLACE_DIM) if sizes.place else None
        self.node = nn.Linear(dim + (PLACE_DIM if sizes.place else 0), dim)
        with_edges = sizes.edges and sizes.layers
        self.of_edge = nn.ModuleList(_mlp(n, sizes.edge_dim, sizes.edge_dim) for n in (1, 2, 2) if with_edges)
        self.edge = nn.Linear(3 * sizes.edge_dim, sizes.edge_dim) if with_edges else None
        self.layers = nn.ModuleList(
            Attended(dim, sizes.heads, sizes.edge_dim if with_edges else 0, sizes.dropout)
            for _ in range(sizes.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(sizes.layers))
        self.dropout = nn.Dropout(sizes.dropout)
        self.out, self.norm = _mlp(dim, dim, out), nn.LayerNorm(out)

    def forward(self, batch: Batch, texts: Tensor) -> Tensor:
        """Return vectors (n, out) of all nodes.

        Parameters
        ----------
        batch
            Graphs of n nodes together.
        texts
            (k, text_dim): frozen vectors of the distinct texts.
        """
        device = texts.device
        told, row = np.unique(batch.text, return_inverse=True)
        text = self.of_text(texts[on_device(told, device)])
        parts = [take_rows(text, on_device(row.reshape(-1), device))]
        if self.of_place is not None:
            parts.append(self.of_place(on_device(self._places(batch.offset_m), device)))
        states = self.node(torch.cat(parts, dim=1))
        if self.sizes.layers and len(batch.target):
            states = self._attended(states, batch)
        made: Tensor = self.norm(self.out(states))
        return made

    def _attended(self, states: Tensor, batch: Batch) -> Tensor:
        """Let the nodes that have edges attend to one another."""
        joined, target = np.unique(batch.target, return_inverse=True)  # every edge stands in both directions
        rows, edges = on_device(joined, states.device), self._edges(batch, joined, target.reshape(-1))
        inner = take_rows(states, rows)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            inner = norm(inner + self.dropout(layer(inner, edges)))
        return states.index_copy(0, rows, inner)

    def _edges(self, batch: Batch, joined: np.ndarray, target: np.ndarray) -> Edges:
        device, vector = self.node.weight.device, None
        if self.edge is not None:
            inputs = [on_device(one, device) for one in edge_inputs(batch)]
            vector = self.edge(
                torch.cat([mlp(one) for mlp, one in zip(self.of_edge, inputs, strict=True)], dim=1)
            )
        sizes = np.bincount(target, minlength=len(joined))
        return Edges(
            on_device(np.searchsorted(joined, batch.source), device),
            on_device(target, device),
            on_device(np.cumsum(sizes) - sizes, device),
            vector,
        )


class Attended(nn.Module):
    """GATv2 (Brody et al. 2022) with edge vectors and averaged heads, one head after another, so that no tensor is larger than edges by `dim`.

    ``score = a · leaky(W_l x_source + W_r x_target + W_e e)``, softmax over the edges that lead to a node, which gets the weighted sum of
    ``W_l x_source``, and a bias. There are no loops from a node to itself.
    """

    def __init__(self, dim: int, heads: int, edge_dim: int, dropout: float) -> None:
        super().__init__()
        self.source = nn.ModuleList(nn.Linear(dim, dim) for _ in range(heads))
        self.target = nn.ModuleList(nn.Linear(dim, dim) for _ in range(heads))
        self.edge = nn.ModuleList(
            nn.Linear(edge_dim, dim, bias=False) for _ in range(heads if edge_dim else 0)
        )
        self.score = nn.ModuleList(nn.Linear(dim, 1, bias=False) for _ in range(heads))
        self.bias, self.dropout = nn.Parameter(torch.zeros(dim)), dropout

    def forward(self, states: Tensor, edges: Edges) -> Tensor:
        """Return (n, dim) of states (n, dim)."""
        heads = [self._head(k, states, edges) for k in range(len(self.score))]
        return torch.stack(heads).mean(dim=0) + self.bias

    def _head(self, k: int, states: Tensor, edges: Edges) -> Tensor:
        source, target = self.source[k](states), self.target[k](states)
        inner = take_rows(source, edges.source) + take_rows(target, edges.target)
        if edges.vector is not None:
            inner = inner + self.edge[k](edges.vector)
        score = self.score[k](F.leaky_relu(inner, SLOPE))
        weight = F.dropout(
            softmax_within(score, edges.target, len(states))[:, 0], self.dropout, self.training
        )
        return F.embedding_bag(edges.source, source, edges.start, mode="sum", per_sample_weights=weight)


def place_waves(offset_m: np.ndarray, waves_m: tuple[float, float] = WAVES_M) -> np.ndarray:
    """Return sine and cosine of offsets (n, 2), metres, at `SCALES` wavelengths evenly apart in their logarithm: float32 (n, 4 * SCALES)."""
    lengths = np.exp(np.linspace(log(waves_m[0]), log(waves_m[1]), SCALES))
    angle = (2 * pi * offset_m.astype(np.float64)[:, :, None] / lengths).reshape(len(offset_m), 2 * SCALES)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


def edge_inputs(batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what is read of edges, float32.

    Returns
    -------
    distance, direction, difference
        (m, 1): ln(1 + metres). (m, 2): sine and cosine of the bearing, zeros where there is none. (m, 2): how much farther east and north the
        target's place lies, as ln(1 + metres) with its sign.
    """
    distance = np.log1p(batch.distance_m)[:, None]
    angle = np.radians(batch.bearing)
    direction = np.nan_to_num(np.column_stack([np.sin(angle), np.cos(angle)]), nan=0.0)
    apart = batch.offset_m[batch.target] - batch.offset_m[batch.source]
    difference = np.sign(apart) * np.log1p(np.abs(apart))
    return _float32(distance), _float32(direction), _float32(difference)


def _float32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.float32)


def softmax_within(score: Tensor, group: Tensor, n_groups: int) -> Tensor:
    """Return the softmax of scores (m, 1) within groups."""
    with torch.no_grad():
        most = torch.full((n_groups, 1), float("-inf"), dtype=score.dtype, device=score.device)
        most = most.scatter_reduce(0, group[:, None], score, reduce="amax")
    weight = (score - most[group]).exp()
    total = torch.zeros((n_groups, 1), dtype=score.dtype, device=score.device).index_add(0, group, weight)
    return weight / take_rows(total, group)


def _mlp(given: int, inner: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(given, inner), nn.GELU(), nn.Linear(inner, out))
