"""The trainable parts of UrbanMFM: projections and polygon encoder, and the graph encoder they feed."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.models._urbanmfm_gat import GraphEncoder


class Projection(nn.Sequential):
    """Linear, ReLU, linear."""

    def __init__(self, inner: int, dim: int) -> None:
        super().__init__(nn.Linear(inner, dim), nn.ReLU(), nn.Linear(dim, dim))


class UrbanNet(nn.Module):
    """Everything that UrbanMFM trains beside its backbones.

    Parameters
    ----------
    text_dim, image_dim
        Length of the backbones' features.
    dim
        d, the length of all vectors of the model.
    graph
        Encoder of local graphs.
    """

    def __init__(self, text_dim: int, image_dim: int, dim: int, graph: GraphEncoder) -> None:
        super().__init__()
        self.dim = dim
        self.text = Projection(text_dim, dim)
        self.image = nn.Linear(image_dim, dim)
        self.surface = Projection(1, dim)
        self.local_graph = graph

    def encode_text(self, features: Tensor) -> Tensor:
        """Return E_t (n, d) of text features (n, text_dim); Eq. 3 with a projection."""
        out: Tensor = self.text(features)
        return out

    def encode_shape(self, features: Tensor, surface: Tensor) -> Tensor:
        """Return E_p (n, d) of raster features (n, image_dim) and surface shares (n,); Eq. 4."""
        out: Tensor = 0.5 * (self.image(features) + self.surface(surface[:, None]))
        return out


def unit(vectors: Tensor) -> Tensor:
    """Return vectors scaled to length 1: training compares directions only, so lengths carry no meaning."""
    return F.normalize(vectors, dim=-1)


def mean_by_group(vectors: Tensor, group: Tensor, n_groups: int) -> Tensor:
    """Return the mean of `vectors` (m, d) in each group, (n_groups, d); zeros for an empty group."""
    sums = vectors.new_zeros(n_groups, vectors.shape[1]).index_add(0, group, vectors)
    counts = torch.bincount(group, minlength=n_groups).clamp(min=1)
    return sums / counts[:, None]
