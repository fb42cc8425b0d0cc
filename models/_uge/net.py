"""UGE-lite: towers for images, texts and graphs, and the fusion that puts every mixture of them into one space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.models._uge.graph_net import Question
from urbanbench.models._uge.texts import frozen_means, most_alike
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._uge.graph_net import GraphEncoder
    from urbanbench.models._uge.material import Material
    from urbanbench.models._uge.pictures import ImageTower
    from urbanbench.models._uge.texts import TextTower

__all__ = ["Fusion", "Rows", "Towers"]

_TEXT, _GRAPH = 1, 2
"""Places of the towers in the fusion, behind that of pictures."""


@dataclass(frozen=True, eq=False)
class Rows:
    """n items as rows of pictures, texts and graphs, int64 (n,) each; -1 where an item has none."""

    image: np.ndarray
    text: np.ndarray
    graph: np.ndarray

    def __len__(self) -> int:
        return len(self.image)

    def take(self, rows: np.ndarray) -> Rows:
        """Return some of the items."""
        return Rows(self.image[rows], self.text[rows], self.graph[rows])

    def without_graph(self) -> Rows:
        """Return the items without their graphs."""
        return replace(self, graph=np.full(len(self), -1))


class Fusion(nn.Module):
    """Outputs of the towers beside one another, with flags that tell which are there, to one vector: a linear map and two layers beside it."""

    def __init__(self, dim: int, towers: int = 3) -> None:
        super().__init__()
        given = towers * dim + towers
        self.straight, self.dim = nn.Linear(given, dim), dim
        self.bent = nn.Sequential(nn.Linear(given, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    @torch.no_grad()
    def read_alike(self, one: int, other: int) -> None:
        """Let the part of one tower enter as that of another does."""
        for weight in (self.straight.weight, next(self.bent.parameters())):
            weight[:, one * self.dim : (one + 1) * self.dim] = weight[
                :, other * self.dim : (other + 1) * self.dim
            ]

    def forward(self, parts: Tensor, there: Tensor) -> Tensor:
        """Return (n, dim) of parts (n, towers * dim), zeros where a part is missing, and flags (n, towers)."""
        both = torch.cat([parts, there], dim=1)
        made: Tensor = self.straight(both) + self.bent(both)
        return made


class Towers(nn.Module):
    """The whole model.

    Parameters
    ----------
    image, text, graph
        Towers; None for one that has nothing to read.
    dim
        Length of all vectors.
    """

    def __init__(
        self, image: ImageTower | None, text: TextTower, graph: GraphEncoder | None, dim: int
    ) -> None:
        super().__init__()
        self.image, self.text, self.graph, self.dim = image, text, graph, dim
        self.fusion = Fusion(dim)
        self.begin_graphs()

    def begin_graphs(self) -> None:
        """Let graphs enter the fusion as texts do, for their nodes are read as clauses are."""
        self.fusion.read_alike(_GRAPH, _TEXT)

    def forward(self, rows: Rows, material: Material) -> Tensor:
        """Return vectors (n, dim) of length 1."""
        parts = [
            self._images(rows.image, material),
            self._texts(rows.text, material),
            self._graphs(rows.graph, rows.text, material),
        ]
        fused = self.fusion(
            torch.cat([one for one, _ in parts], dim=1), torch.stack([one for _, one in parts], dim=1)
        )
        return F.normalize(fused, dim=1)

    def _images(self, rows: np.ndarray, material: Material) -> tuple[Tensor, Tensor]:
        there = np.flatnonzero(rows >= 0) if self.image is not None else np.empty(0, dtype=np.int64)
        made = None
        if self.image is not None and material.views is not None and len(there):
            made = self.image(material.views.vectors(rows[there]))
        return self._placed(made, there, len(rows))

    def _texts(self, rows: np.ndarray, material: Material) -> tuple[Tensor, Tensor]:
        there = np.flatnonzero(rows >= 0)
        made = self.text(rows[there], material.texts, material.clauses) if len(there) else None
        return self._placed(made, there, len(rows))

    def _graphs(self, rows: np.ndarray, texts: np.ndarray, material: Material) -> tuple[Tensor, Tensor]:
        there = np.flatnonzero(rows >= 0) if self.graph is not None else np.empty(0, dtype=np.int64)
        made = None
        if self.graph is not None and material.graphs is not None and len(there):
            batch = material.graphs.batch(rows[there])
            asked = frozen_means(texts[there], material.texts, material.clauses)
            told, node = np.unique(batch.text, return_inverse=True)
            alike = most_alike(
                texts[there], material.phrases, material.clauses, on_device(told, asked.device)
            )
            likeness = alike[on_device(batch.graph_of, asked.device), on_device(node, asked.device)]
            made = self.graph(batch, material.clauses, Question(asked, likeness), self.text)
        return self._placed(made, there, len(rows))

    def _placed(self, made: Tensor | None, there: np.ndarray, n: int) -> tuple[Tensor, Tensor]:
        """Return a tower's output (n, dim), zeros for items that do not have the part, and which have it, float (n,)."""
        device = self.fusion.straight.weight.device
        flags = torch.zeros(n, device=device)
        if made is None:
            return torch.zeros((n, self.dim), device=device), flags
        rows = on_device(there, device)
        whole = torch.zeros((n, self.dim), dtype=made.dtype, device=device).index_copy(0, rows, made)
        return whole, flags.index_fill(0, rows, 1.0)
