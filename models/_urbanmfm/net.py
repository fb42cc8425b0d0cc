"""The trainable parts of UrbanMFM, and the small operations they share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.models._urbanmfm.flows import FEATURES
from urbanbench.models._urbanmfm.fusion import Fusion
from urbanbench.models._urbanmfm.gat import GraphEncoder
from urbanbench.models._urbanmfm.memory import DirectionGate
from urbanbench.toolkit.training.transfer import on_device


class Projection(nn.Sequential):
    """Linear, ReLU, linear."""

    def __init__(self, inner: int, dim: int) -> None:
        super().__init__(nn.Linear(inner, dim), nn.ReLU(), nn.Linear(dim, dim))


@dataclass(frozen=True)
class NetSizes:
    """How large the parts are.

    Parameters
    ----------
    text, image
        Length of the backbones' features.
    dim
        d, the length of all vectors of the model.
    """

    text: int
    image: int
    dim: int


class UrbanNet(nn.Module):
    """Everything that UrbanMFM trains beside its backbones.

    All parts exist in every run, so that the first weights of one do not depend on which others are used.

    Parameters
    ----------
    sizes
        Lengths of features and vectors.
    make_graph
        Makes the encoder of POIs among POIs, and that of regions among regions.
    make_fusion
        Makes the fusions of a POI with its streets and with its footprint, and of a region with its trips.
    """

    def __init__(
        self, sizes: NetSizes, *, make_graph: Callable[[], GraphEncoder], make_fusion: Callable[[], Fusion]
    ) -> None:
        super().__init__()
        self.dim = dim = sizes.dim
        self.local_graph = make_graph()
        self.text = Projection(sizes.text, dim)
        self.image = nn.Linear(sizes.image, dim)
        self.surface = Projection(1, dim)
        self.scene = nn.Linear(2 * dim, dim)
        self.street_gate = DirectionGate(dim)
        self.global_graph = make_graph()
        self.fuse_street, self.fuse_shape, self.fuse_flow = make_fusion(), make_fusion(), make_fusion()
        self.flow = Projection(FEATURES, dim)

    def encode_text(self, features: Tensor) -> Tensor:
        """Return E_t (n, d) of text features (n, text_dim); Eq. 3 with a projection."""
        out: Tensor = self.text(features)
        return out

    def encode_image(self, features: Tensor) -> Tensor:
        """Return the vectors (n, d) of picture features (n, image_dim); Eqs. 1 and 2 with a projection."""
        out: Tensor = self.image(features)
        return out

    def encode_shape(self, features: Tensor, surface: Tensor) -> Tensor:
        """Return E_p (n, d) of raster features (n, image_dim) and surface shares (n,); Eq. 4."""
        out: Tensor = 0.5 * (self.image(features) + self.surface(surface[:, None]))
        return out


def rated(
    modules: Iterable[nn.Module], *, lr: float, lr_new: float, drawn: Collection[nn.Module] = ()
) -> list[dict[str, Any]]:
    """Return groups for the optimiser: projections at `lr`; gates, fusions and graph encoders at a rate of their own.

    Projections are trained by the micro stages already and are moved by what comes after; the others, and those `drawn`, begin as they
    were drawn.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    for module in modules:
        is_new = isinstance(module, (Fusion, GraphEncoder, DirectionGate)) or module in drawn
        groups.setdefault(lr_new if is_new else lr, []).extend(module.parameters())
    return [{"params": own, "lr": rate} for rate, own in groups.items()]


def unit(vectors: Tensor) -> Tensor:
    """Return vectors scaled to length 1: training compares directions only, so lengths carry no meaning."""
    return F.normalize(vectors, dim=-1)


def mean_by_group(vectors: Tensor, group: Tensor, n_groups: int) -> Tensor:
    """Return the mean of `vectors` (m, d) in each group, (n_groups, d); zeros for an empty group."""
    sums = vectors.new_zeros(n_groups, vectors.shape[1]).index_add(0, group, vectors)
    # Not bincount, which asks a GPU for the largest number and waits for it.
    counts = torch.zeros(n_groups, dtype=torch.int64, device=group.device)
    counts = counts.index_add(0, group, torch.ones_like(group)).clamp(min=1)
    return sums / counts[:, None]


def replaced(vectors: Tensor, slots: np.ndarray, others: Tensor) -> Tensor:
    """Return `vectors` (..., d) with `others` (m, d) in the slots that are True in bool (...), in order."""
    rows = on_device(np.flatnonzero(slots), vectors.device)
    return vectors.flatten(0, -2).index_copy(0, rows, others.to(vectors.dtype)).view_as(vectors)
