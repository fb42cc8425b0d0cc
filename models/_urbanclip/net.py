"""CoCa (Yu et al. 2022): picture and sentence vectors in one space, and a decoder that writes the sentence from the picture."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.models._urbanclip.layers import Layer, Pooler, causal_mask

if TYPE_CHECKING:
    from urbanbench.models._urbanclip.image_towers import ImageTower
    from urbanbench.models._urbanclip.text_towers import TextTower

FIRST_SCALE = 1 / 0.07
LARGEST_SCALE = 100.0
"""First and largest inverse temperature (Radford et al. 2021)."""


class CoCa(nn.Module):
    """Two towers, the pooling of pictures, and the caption decoder.

    Parameters
    ----------
    image, text
        Towers.
    dim
        Length of picture and sentence vectors, and of the decoder.
    heads, queries, layers
        Attention heads; picture vectors the decoder sees; its layers.

    Attributes
    ----------
    log_scale : nn.Parameter
        Logarithm of the inverse temperature, learned.
    """

    def __init__(
        self, image: ImageTower, text: TextTower, *, dim: int, heads: int, queries: int, layers: int
    ) -> None:
        super().__init__()
        self.image, self.text = image, text
        self.bring = nn.Linear(image.width, dim)
        self.pooler = Pooler(dim, heads, queries + 1)
        self.to_picture = _fitting(image.out, dim) if image.out else None
        self.to_sentence = _fitting(text.out, dim)
        self.to_states = _fitting(text.width, dim)
        self.decoder = nn.ModuleList(Layer(dim, heads, crossed=True) for _ in range(layers))
        self.norm, self.to_words = nn.LayerNorm(dim), nn.Linear(dim, text.n_words)
        self.log_scale = nn.Parameter(torch.tensor(log(FIRST_SCALE)))

    def see(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return picture vectors (b, dim) of length 1, and what the decoder sees of the pictures (b, queries, dim)."""
        tokens, own = self.image(rows)
        pooled = self.pooler(self.bring(tokens))
        vector = pooled[:, 0] if own is None or self.to_picture is None else self.to_picture(own)
        return F.normalize(vector.float(), dim=1), pooled[:, 1:]

    def read(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return sentence vectors (b, dim) of length 1, states (b, t, dim), word numbers (b, t), and which are no padding."""
        ids, real = self.text.words(rows)
        sentence, states = self.text(ids, real, rows)
        return F.normalize(self.to_sentence(sentence).float(), dim=1), self.to_states(states), ids, real

    def write(self, states: Tensor, seen: Tensor) -> Tensor:
        """Return the logits of the word after each place, (b, t, n_words)."""
        mask = causal_mask(states.shape[1], states.device)
        for layer in self.decoder:
            states = layer(states, mask, seen)
        made: Tensor = self.to_words(self.norm(states))
        return made

    @torch.no_grad()
    def limit_scale(self) -> None:
        """Keep the inverse temperature in [1, 100]."""
        self.log_scale.clamp_(0.0, log(LARGEST_SCALE))


def caption_loss(logits: Tensor, ids: Tensor, real: Tensor) -> Tensor:
    """Return the mean cross-entropy of every next word.

    Parameters
    ----------
    logits
        (b, t, n_words): at each place of what follows it.
    ids, real
        (b, t): word numbers; which are no padding.
    """
    told = real[:, 1:]
    return F.cross_entropy(logits[:, :-1][told].float(), ids[:, 1:][told])


def _fitting(given: int, wanted: int) -> nn.Module:
    """Return a linear map where lengths differ, else nothing to do."""
    return nn.Identity() if given == wanted else nn.Linear(given, wanted)
