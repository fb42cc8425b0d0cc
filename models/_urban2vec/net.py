"""What Urban2Vec trains beside its image encoder: the layer behind it, and the tables of regions and words."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PictureHead(nn.Module):
    """Dropout and a linear layer from the encoder's features to a picture's vector.

    Parameters
    ----------
    features
        Length of the encoder's features.
    dim
        Length of the vectors.
    dropout
        Share of features left out.
    """

    def __init__(self, features: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.dropout, self.linear = nn.Dropout(dropout), nn.Linear(features, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Return vectors (…, dim) of features (…, features)."""
        made: Tensor = self.linear(self.dropout(features))
        return made


class Tables(nn.Module):
    """A vector for every region and every word.

    Parameters
    ----------
    regions
        First vectors of regions (g, dim).
    words
        First vectors of words (v, dim).
    """

    def __init__(self, regions: Tensor, words: Tensor) -> None:
        super().__init__()
        self.region, self.word = nn.Parameter(regions.clone()), nn.Parameter(words.clone())


def triplet_loss(anchor: Tensor, right: Tensor, wrong: Tensor, margin: float) -> Tensor:
    """Return max(0, ‖a - r‖ - ‖a - w‖ + margin) of every row (b, dim); (b,)."""
    near = torch.linalg.vector_norm(anchor - right, dim=-1)
    far = torch.linalg.vector_norm(anchor - wrong, dim=-1)
    return torch.relu(near - far + margin)
