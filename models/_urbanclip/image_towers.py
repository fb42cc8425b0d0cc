"""What looks at tiles: frozen features of an encoder, an encoder trained along, or a small vision transformer from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.errors import BadInput
from urbanbench.models._urbanclip.layers import Layer
from urbanbench.progress import tracking
from urbanbench.toolkit.pictures._clip_nets import Clip
from urbanbench.toolkit.pictures._image_nets import EfficientNetLite0, ImageEncoder, ResNetEncoder
from urbanbench.toolkit.pictures.table import PictureTable, normalise, pictures_at_once

if TYPE_CHECKING:
    from collections.abc import Sequence

GREY = (0.5, 0.5, 0.5)
STD = 0.02


class ImageTower(nn.Module):
    """Looks at tiles by their rows.

    Attributes
    ----------
    width, out
        Length of token vectors; of the tower's own picture vector, 0 where it has none that is trained.
    ok
        bool (k,): which tiles can be opened.
    """

    width: int
    out: int = 0
    ok: np.ndarray

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return tokens (b, k, width), and picture vectors (b, out) where the tower has them."""
        raise NotImplementedError


class FrozenTokens(ImageTower):
    """Tokens of a frozen encoder, computed before.

    Parameters
    ----------
    features
        float32 (k, tokens * width), NaN in the rows of pictures that cannot be opened.
    tokens
        Tokens of a picture.
    device
        Where they are kept.
    """

    def __init__(self, features: np.ndarray, tokens: int, device: str) -> None:
        super().__init__()
        self.ok = np.isfinite(features).all(axis=1)
        shaped = np.ascontiguousarray(features).reshape(len(features), tokens, -1)
        self.width, self._features = shaped.shape[2], torch.from_numpy(shaped).to(device)

    def forward(self, rows: Tensor) -> tuple[Tensor, None]:
        """Return tokens (b, tokens, width)."""
        return self._features[rows], None


class PixelTower(ImageTower):
    """A tower that reads pixels, decoded while the ones before are used.

    Parameters
    ----------
    pictures
        The tiles.
    mean, std
        Channel statistics its weights expect.
    device
        Where it computes.
    """

    def __init__(
        self, pictures: PictureTable, mean: Sequence[float], std: Sequence[float], device: str
    ) -> None:
        super().__init__()
        self.ok, self.mean, self.std, self.device = pictures.ok, mean, std, device
        self._pictures = pictures

    def pixels(self, rows: Tensor) -> Tensor:
        """Return normalised pixels (b, 3, size, size)."""
        made, _ = self._pictures.pixels(rows.cpu().numpy())
        return normalise(torch.from_numpy(made).to(self.device), self.mean, self.std)


class TunedTokens(PixelTower):
    """An encoder that is trained along; CLIP brings its own picture vector."""

    def __init__(self, encoder: ImageEncoder, pictures: PictureTable, device: str) -> None:
        super().__init__(pictures, encoder.mean, encoder.std, device)
        self.encoder, self.width = encoder, token_width(encoder)
        self.out = encoder.dim if isinstance(encoder, Clip) else 0
        if isinstance(encoder, Clip):  # its text part is the text tower's
            model: Any = encoder.model
            for part in (model.text_model, model.text_projection):
                part.requires_grad_(False)
            model.logit_scale.requires_grad_(False)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return tokens (b, k, width), and CLIP's vectors (b, out)."""
        return encode_tokens(self.encoder, self.pixels(rows), 0)


class ScratchImage(PixelTower):
    """A small vision transformer (Dosovitskiy et al. 2021) without class token, trained from nothing.

    Parameters
    ----------
    pictures
        The tiles, whose size is a multiple of `patch`.
    dim, heads, layers, patch
        Of the transformer; pixels per side of a patch.
    device
        Where it computes.

    Raises
    ------
    BadInput
        Patches do not fill the picture.
    """

    def __init__(
        self, pictures: PictureTable, *, dim: int, heads: int, layers: int, patch: int, device: str
    ) -> None:
        if pictures.size % patch:
            msg = f"urbanclip has pictures of {pictures.size} pixels and patches of {patch}. Expected a size that is a multiple of the patch. For example --set size=224 --set patch=32"
            raise BadInput(msg)
        super().__init__(pictures, GREY, GREY, device)
        self.width = dim
        self.cut = nn.Conv2d(3, dim, patch, patch)
        self.place = nn.Parameter(torch.randn((pictures.size // patch) ** 2, dim) * STD)
        self.layers = nn.ModuleList(Layer(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, rows: Tensor) -> tuple[Tensor, None]:
        """Return one token per patch (b, k, dim)."""
        states = self.cut(self.pixels(rows)).flatten(2).transpose(1, 2) + self.place
        for layer in self.layers:
            states = layer(states)
        return self.norm(states), None


def token_width(encoder: ImageEncoder) -> int:
    """Return the length of an encoder's token vectors."""
    if isinstance(encoder, Clip):
        model: Any = encoder.model
        return int(model.config.vision_config.hidden_size)
    return encoder.dim


def encode_tokens(encoder: ImageEncoder, images: Tensor, grid: int) -> tuple[Tensor, Tensor | None]:
    """Return what an encoder says of the parts of pictures.

    Parameters
    ----------
    encoder
        EfficientNet-Lite0, a ResNet or CLIP.
    images
        Normalised pixels (b, 3, size, size).
    grid
        Parts per side to which the last map is averaged; 0 leaves it as fine as it is.

    Returns
    -------
    tokens
        (b, k, width): for CLIP the class token first.
    vector
        CLIP's picture vector (b, out), else None.

    Raises
    ------
    BadInput
        An encoder of another kind.
    """
    if isinstance(encoder, Clip):
        model: Any = encoder.model
        made = model.vision_model(pixel_values=images.contiguous())
        states = made.last_hidden_state
        side = int((states.shape[1] - 1) ** 0.5)
        fine = states[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        tokens = torch.cat([states[:, :1], _averaged(fine, grid)], dim=1)
        return tokens, model.visual_projection(made.pooler_output)
    if isinstance(encoder, EfficientNetLite0):
        return _averaged(_lite_map(encoder, images), grid), None
    if isinstance(encoder, ResNetEncoder):
        return _averaged(encoder.model(images).last_hidden_state, grid), None
    msg = f"urbanclip has no way to read parts of a picture from {type(encoder).__name__}. Expected EfficientNet-Lite0, a ResNet, or CLIP. Mend: --set image_tower=efficientnet-lite0"
    raise BadInput(msg)


def encode_all(encoder: ImageEncoder, pictures: PictureTable, grid: int, device: str) -> np.ndarray:
    """Return the tokens of all pictures, float32 (k, tokens * width); NaN in the rows of those that cannot be opened."""
    encoder.eval().to(device)
    parts = []
    with torch.inference_mode(), tracking(f"encode {len(pictures)} tiles", len(pictures)) as bar:
        for pixels, ok in pictures.batches(np.arange(len(pictures)), pictures_at_once(pictures.size, device)):
            images = normalise(torch.from_numpy(pixels).to(device), encoder.mean, encoder.std)
            made = encode_tokens(encoder, images, grid)[0].flatten(1).cpu().numpy()
            parts.append(np.where(ok[:, None], made, np.float32(np.nan)))
            bar.advance(len(made))
    return np.concatenate(parts)


def _averaged(fine: Tensor, grid: int) -> Tensor:
    """Return maps (b, width, h, w) as tokens (b, k, width), averaged to `grid` parts per side unless it is 0."""
    coarse = F.adaptive_avg_pool2d(fine, grid) if grid else fine
    return coarse.flatten(2).transpose(1, 2)


def _lite_map(encoder: EfficientNetLite0, images: Tensor) -> Tensor:
    """Return EfficientNet-Lite0's last map (b, 1280, h, w), before the mean over it."""
    kept: list[Tensor] = []
    hook = encoder._bn1.register_forward_hook(lambda *given: kept.append(given[2]))  # noqa: SLF001 - named by the published weights
    try:
        encoder(images)
    finally:
        hook.remove()
    return F.relu6(kept[0])
