"""UGE-lite's graph tower: node vectors, read out as one vector of each graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._uge.spoken import Spoken, place_from_centre, summed
from urbanbench.models._uge.texts import BUMPS, TextTower
from urbanbench.toolkit.graphs._node_net import SCALES, GraphSizes, NodeEncoder, place_waves, softmax_within
from urbanbench.toolkit.graphs.flat import Batch
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

__all__ = ["Asked", "GraphEncoder", "Question", "places_of"]

ASKED_HEADS, ASKED_DIM = 4, 32
"""Heads by which a text attends to nodes, and the length of a key."""
FIRST_LIKENESS = 20.0
"""What the cosine of two texts counts at first."""
FIRST_NEAR = (0.0, 2.0)
"""What -ln(1 + metres from the picture) counts at first, from the first head to the last."""
OWN = -1e4
"""Score of the picture's own node, which is read apart."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of g graphs with n nodes together.

    Parameters
    ----------
    text
        (g, text_dim): the frozen vector of the text beside each graph, zeros where there is none.
    likeness
        (n,): how alike a node and what is asked for by its graph's text are, see `most_alike`.
    """

    text: Tensor
    likeness: Tensor


class GraphEncoder(nn.Module):
    """Encodes all graphs of a batch at once.

    A node is the vector of its text beside that of its place; layers of attention along edges follow, each with a residual and a
    normalisation, then two layers of output. A graph is read out as its first node, the mean of its nodes, and what the text beside it attends to;
    the sums of nodes also as the text tower reads clauses (`Spoken`), which alone counts before training.
    """

    def __init__(self, sizes: GraphSizes) -> None:
        super().__init__()
        dim = sizes.dim
        self.nodes = NodeEncoder(sizes, dim, places=places_of, place_inputs=4 * SCALES + len(BUMPS) + 2)
        self.asked = Asked(sizes.text_dim, dim, place=sizes.place)
        self.spoken = Spoken(sizes.out, 1 + ASKED_HEADS, place=sizes.place)
        self.read = nn.Linear((2 + ASKED_HEADS) * dim, sizes.out)
        nn.init.zeros_(self.read.weight)

    def forward(self, batch: Batch, texts: Tensor, question: Question, tower: TextTower) -> Tensor:
        """Return vectors (g, dim) of graphs.

        Parameters
        ----------
        batch
            The g graphs.
        texts
            (k, text_dim): frozen vectors of the distinct texts.
        question
            What is asked of them.
        tower
            That of texts, whose layers read nodes, too.
        """
        nodes = self.nodes(batch, texts)
        share = 1.0 / np.bincount(batch.graph_of, minlength=len(batch))[batch.graph_of]
        even = on_device(share.astype(np.float32)[:, None], nodes.device)
        weights = torch.cat([even, self.asked(nodes, batch, question)], dim=1)
        own = take_rows(nodes, on_device(batch.first, nodes.device))
        parts = torch.cat([own[:, None], summed(nodes, weights, batch.graph_of)], dim=1)
        made: Tensor = self.read(parts.flatten(start_dim=1)) + self.spoken(batch, texts, tower, weights)
        return made


class Asked(nn.Module):
    """How much a text attends to each node of the graph beside it: by how alike the words of the two are, by how near the node is to the picture, and by learned keys.

    Without a text nearness and learned keys alone tell nodes apart. The picture's own node is not attended to where there is another.
    """

    def __init__(self, text_dim: int, dim: int, *, place: bool) -> None:
        super().__init__()
        self.likeness = nn.Parameter(torch.full((ASKED_HEADS,), FIRST_LIKENESS))
        self.near = nn.Parameter(torch.linspace(*FIRST_NEAR, ASKED_HEADS)) if place else None
        self.query = nn.Linear(text_dim, ASKED_HEADS * ASKED_DIM)
        self.key = nn.Linear(dim, ASKED_HEADS * ASKED_DIM, bias=False)

    def forward(self, nodes: Tensor, batch: Batch, question: Question) -> Tensor:
        """Return the weights (n, heads), which sum to 1 in every graph.

        Parameters
        ----------
        nodes
            (n, dim): vectors of nodes.
        batch, question
            The g graphs and what is asked of them.
        """
        graph_of = on_device(batch.graph_of, nodes.device)
        query = take_rows(self.query(question.text), graph_of).view(-1, ASKED_HEADS, ASKED_DIM)
        key = self.key(nodes).view(-1, ASKED_HEADS, ASKED_DIM)
        score = (query * key).sum(dim=2) / ASKED_DIM**0.5 + question.likeness[:, None] * self.likeness
        if self.near is not None:
            away = np.log1p(np.hypot(*batch.offset_m.T.astype(np.float64))).astype(np.float32)
            score = score - on_device(away, nodes.device)[:, None] * self.near
        score = score.index_fill(0, on_device(batch.first, nodes.device), OWN)
        made: Tensor = torch.cat(
            [softmax_within(one, graph_of, len(batch)) for one in score.split(1, dim=1)], dim=1
        )
        return made


def places_of(offset_m: np.ndarray) -> np.ndarray:
    """Return what is read of offsets (n, 2), metres, float32 (n, 4 * SCALES + bumps + 2): waves, and `place_from_centre`."""
    return np.hstack([place_waves(offset_m), place_from_centre(offset_m)])
