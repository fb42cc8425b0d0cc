"""Image encoders as torch modules: EfficientNet-Lite0 in plain torch, and a Hugging Face ResNet."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["EfficientNetLite0", "ImageEncoder", "ResNetEncoder", "TinyCNN", "load_resnet"]

# (expansion, kernel, stride, channels, repeats) of the seven stages, Tan & Le 2019, Table 1; Lite: no squeeze, ReLU6.
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
FEATURES = 1280

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LITE_MEAN = (127 / 255,) * 3
LITE_STD = (128 / 255,) * 3
"""Statistics of the published EfficientNet-Lite0 weights."""


class ImageEncoder(nn.Module):
    """Turns images float (n, 3, height, width) into vectors float32 (n, dim).

    `mean` and `std` of the three channels are those of the pictures it was trained with, as shares of full brightness:
    photographs are brought to them by `urbanbench.toolkit.pictures.table.normalise`.
    """

    name: str
    dim: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (n, dim)."""
        raise NotImplementedError

    def for_reading(self) -> ImageEncoder:
        """Return an encoder of the same answers, up to rounding, that cannot be trained and may be quicker; itself where there is none."""
        return self


class _SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME, from which the weights come: odd padding goes right and below.

    Only odd padding is written out. The convolution itself thinks of equal zeros on both sides, with the same bits and without a copy
    of the picture.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own parameter name
        (top, below), (left, right) = (self._missing(axis, input.shape[axis + 2]) for axis in (0, 1))
        if (top, left) != (below, right):
            input = F.pad(input, [left, right, top, below])  # noqa: A001
            top = left = 0
        return F.conv2d(input, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups)

    def _missing(self, axis: int, length: int) -> tuple[int, int]:
        """Return the zeros before and after an axis of this length."""
        kernel, stride = self.kernel_size[axis], self.stride[axis]
        missing = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        return missing // 2, missing - missing // 2


def _fold(module: nn.Module, pairs: tuple[tuple[str, str], ...]) -> None:
    """Let convolutions of a module do what the batch normalisation behind each does with what it has learned."""
    for conv, norm in pairs:
        setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
        setattr(module, norm, nn.Identity())


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _relu6(normed: Tensor) -> Tensor:
    """Write the answer over its input, which batch normalisation or a convolution has made and nobody else reads."""
    return F.relu6(normed, inplace=True)


class _Block(nn.Module):
    """Inverted bottleneck; attribute names are those of the published weights."""

    def __init__(self, inner: int, outer: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inner * expansion
        self.expands, self.skips = expansion > 1, stride == 1 and inner == outer
        if self.expands:
            self._expand_conv = _SameConv(inner, wide, 1, bias=False)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _SameConv(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = _norm(wide)
        self._project_conv = _SameConv(wide, outer, 1, bias=False)
        self._bn2 = _norm(outer)

    def fold(self) -> None:
        """Fold batch normalisation into the convolutions."""
        _fold(self, (("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")))
        if self.expands:
            _fold(self, (("_expand_conv", "_bn0"),))

    def forward(self, images: Tensor) -> Tensor:
        made = _relu6(self._bn0(self._expand_conv(images))) if self.expands else images
        made = _relu6(self._bn1(self._depthwise_conv(made)))
        out: Tensor = self._bn2(self._project_conv(made))
        return out.add_(images) if self.skips else out


class EfficientNetLite0(ImageEncoder):
    """EfficientNet-Lite0 up to its pooled features (1280)."""

    mean, std = LITE_MEAN, LITE_STD

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.dim = name, FEATURES
        self._conv_stem = _SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList(_blocks())
        self._conv_head = _SameConv(STAGES[-1][3], FEATURES, 1, bias=False)
        self._bn1 = _norm(FEATURES)

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (n, 1280)."""
        made = _relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            made = block(made)
        return _relu6(self._bn1(self._conv_head(made))).mean(dim=(2, 3))

    def for_reading(self) -> Self:
        """Return a copy without batch normalisation, its numbers side by side for each pixel: quicker by a half and more on a processor."""
        made = deepcopy(self).eval()
        _fold(made, (("_conv_stem", "_bn0"), ("_conv_head", "_bn1")))
        for module in made.modules():
            if isinstance(module, _Block):
                module.fold()
        made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # which torch has and its types lack
        return made

    def load_weights(self, path: Path) -> None:
        """Load published weights; the classifier's are left out."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.load_state_dict({name: one for name, one in state.items() if not name.startswith("_fc.")})


class TinyCNN(ImageEncoder):
    """Four strided convolutions with group normalisation and their mean and maximum (128): for drawings, and to be trained on a CPU."""

    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.dim = name, 128
        layers: list[nn.Module] = []
        for inner, outer in ((3, 16), (16, 32), (32, 48), (48, 64)):
            layers += [nn.Conv2d(inner, outer, 3, stride=2, padding=1), nn.GroupNorm(4, outer), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (n, 128)."""
        made = self.layers(images)
        return torch.cat([made.mean(dim=(2, 3)), made.amax(dim=(2, 3))], dim=1)


class ResNetEncoder(ImageEncoder):
    """A Hugging Face ResNet up to its pooled features."""

    def __init__(self, name: str, model: nn.Module) -> None:
        super().__init__()
        self.name, self.model = name, model
        self.dim = int(model.config.hidden_sizes[-1])  # type: ignore[union-attr, index]  # every ResNet config has it

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (n, dim)."""
        pooled: Tensor = self.model(images).pooler_output
        return pooled.flatten(1)


def load_resnet(name: str, place: str, *, local_only: bool) -> ResNetEncoder:
    """Load a Hugging Face ResNet from a folder or by its hub name; OSError when it is not there."""
    from transformers import ResNetModel

    from urbanbench.toolkit.texts._text_nets import quiet_transformers

    with quiet_transformers():
        return ResNetEncoder(
            name, ResNetModel.from_pretrained(place, local_files_only=local_only, dtype=torch.float32)
        )


def _blocks() -> Iterator[_Block]:
    inner = 32
    for expansion, kernel, stride, outer, repeats in STAGES:
        for repeat in range(repeats):
            yield _Block(inner, outer, expansion, kernel, stride if repeat == 0 else 1)
            inner = outer
