"""The trainable parts of CityFM beside its two backbones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["CityNet", "Projection", "means", "paired_loss"]

from urbanbench.toolkit.training.contrastive import nt_xent, same_row


class Projection(nn.Sequential):
    """Linear, ReLU, linear."""

    def __init__(self, inner: int, dim: int) -> None:
        super().__init__(nn.Linear(inner, dim), nn.ReLU(), nn.Linear(dim, dim))


class CityNet(nn.Module):
    """Projections of texts, of pictures of footprints and of their surface to one length.

    Parameters
    ----------
    text, image
        Length of the backbones' features.
    dim
        Length of all vectors of the model.
    """

    def __init__(self, text: int, image: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.text = Projection(text, dim)
        self.image = nn.Linear(image, dim)
        self.surface = Projection(1, dim)

    def encode_text(self, features: Tensor) -> Tensor:
        """Return the vectors (n, dim) of text features (n, text): of one text, or the mean of several."""
        out: Tensor = self.text(features)
        return out

    def encode_shape(self, features: Tensor, surface: Tensor) -> Tensor:
        """Return the vectors (n, dim) of raster features (n, image) and surface shares (n,): half their sum."""
        out: Tensor = 0.5 * (self.image(features) + self.surface(surface[:, None]))
        return out


def means(features: Tensor, row: Tensor, owner: Tensor, n: int) -> Tensor:
    """Return the mean features (n, dim) of the rows each owner has; a row that stands twice counts twice.

    It is one product of a table of weights (n, distinct) with the features, so that a road with hundreds of POIs costs no more
    memory than its distinct texts, and the gradient is the same bits every time.

    Parameters
    ----------
    features
        (distinct, dim).
    row, owner
        int64 (m,): rows of `features`, and who has them, in [0, n); every owner has at least one.
    n
        Number of owners.
    """
    place = owner * len(features) + row
    counts = torch.bincount(place, minlength=n * len(features)).view(n, -1).to(features.dtype)
    return (counts / counts.sum(dim=1, keepdim=True)) @ features


def paired_loss(
    query: Tensor, key: Tensor, *, chunk: int, temperature: float, labels: Tensor | None = None
) -> tuple[Tensor, float]:
    """Return NT-Xent inside chunks of a batch, averaged over its rows, and the loss of vectors that tell nothing.

    Parameters
    ----------
    query, key
        (b, dim).
    chunk
        Most pairs that see one another; the batch is cut into pieces as equal as can be.
    temperature
        Of the loss.
    labels
        int64 (b,): pairs with the same label are no negatives of each other.
    """
    pieces = -(-len(query) // chunk)
    parts = zip(query.tensor_split(pieces), key.tensor_split(pieces), strict=True)
    told = labels.tensor_split(pieces) if labels is not None else [None] * pieces
    total, chance = query.new_zeros(()), 0.0
    for (one, other), label in zip(parts, told, strict=True):
        exclude = same_row(label) if label is not None else None
        loss, expected = nt_xent(one, other, temperature=temperature, exclude=exclude)
        share = len(one) / len(query)
        total, chance = total + share * loss, chance + share * expected
    return total, chance
