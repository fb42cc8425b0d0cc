"""Inception-v3 in plain torch, up to its pooled features; names of its parts are those of the published ImageNet weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.toolkit.pictures._image_nets import ImageEncoder

__all__ = ["InceptionV3", "is_inception", "load_inception"]

HALVES = (0.5, 0.5, 0.5)
"""Mean and deviation of each channel that the published weights were trained with."""

ARCHITECTURE = "inception_v3"
WEIGHT_FILES = ("model.safetensors", "*.safetensors", "inception_v3*.pth", "*.pth", "pytorch_model.bin")
UNUSED = ("AuxLogits.", "fc.")

# One row a convolution: its name, the channels it makes, its kernel (height, width), its stride and padding.
_Row = tuple[str, int, tuple[int, int], int, tuple[int, int]]
_FLAT, _TALL = (1, 7), (7, 1)


class InceptionV3(ImageEncoder):
    """Szegedy et al. 2016, Inception-v3 without its auxiliary classifier: 2,048 features (times `width`).

    Parameters
    ----------
    name
        What it is called in results.
    width
        Factor of all numbers of channels; 1 is the published network.
    """

    mean, std = HALVES, HALVES

    def __init__(self, name: str, width: float = 1.0) -> None:
        super().__init__()
        self.name, self.width = name, width

        def wide(channels: int) -> int:
            return max(1, round(channels * width))

        channels = 3
        for part, out, kernel, stride, padding in _STEM:
            self.add_module(part, _Conv(channels, wide(out), (kernel, kernel), stride, (padding, padding)))
            channels = wide(out)
        for part, block in _blocks():
            module = _Mixed(channels, [(n, wide(c), k, s, p) for n, c, k, s, p in block])
            self.add_module(part, module)
            channels = module.channels
        self.dim = channels

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (n, dim); pictures have at least 75 pixels per side."""
        made = images
        for part, module in self.named_children():
            made = module(made)
            if part in {"Conv2d_2b_3x3", "Conv2d_4a_3x3"}:
                made = F.max_pool2d(made, 3, stride=2)
        return made.mean(dim=(2, 3))


class _Conv(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self, inner: int, outer: int, kernel: tuple[int, int], stride: int, padding: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inner, outer, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outer, eps=1e-3)

    def forward(self, images: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(images)))


class _Mixed(nn.Module):
    """Branches side by side, each a chain of convolutions, beside a pooling.

    Rows whose names differ in their last number follow one another: ``branch5x5_1``, ``branch5x5_2``. Rows that end in "a" and
    "b" both follow the row before them, and stand side by side in the result. A block without ``branch_pool`` halves the picture,
    and its pooling is a maximum.
    """

    def __init__(self, inner: int, rows: list[_Row]) -> None:
        super().__init__()
        self.branches: list[list[list[str]]] = []
        self.halves = all(name != "branch_pool" for name, *_ in rows)
        self.channels, known = 0, dict[str, int]()
        for name, outer, kernel, stride, padding in rows:
            branch, _, place = name.rpartition("_")
            chained = branch if place[:1].isdigit() else name
            level = int(place[0]) if place[:1].isdigit() else 1
            fed = known.get(f"{chained} {level - 1}", inner)
            self.add_module(name, _Conv(fed, outer, kernel, stride, padding))
            if level == 1:
                self.branches.append([])
            if len(self.branches[-1]) < level:
                self.branches[-1].append([])
            self.branches[-1][level - 1].append(name)
            known[f"{chained} {level}"] = outer
        last = [name for branch in self.branches for name in branch[-1]]
        outer_of = {name: outer for name, outer, *_ in rows}
        self.channels = sum(outer_of[name] for name in last) + (inner if self.halves else 0)

    def forward(self, images: Tensor) -> Tensor:
        parts = [part for branch in self.branches for part in self._through(branch, images)]
        return torch.cat([*parts, F.max_pool2d(images, 3, stride=2)] if self.halves else parts, dim=1)

    def _through(self, branch: list[list[str]], images: Tensor) -> list[Tensor]:
        pooled = branch[0] == ["branch_pool"]
        made = [F.avg_pool2d(images, 3, stride=1, padding=1) if pooled else images]
        for level in branch:
            made = [self.get_submodule(name)(made[0]) for name in level]
        return made


_STEM = (
    ("Conv2d_1a_3x3", 32, 3, 2, 0),
    ("Conv2d_2a_3x3", 32, 3, 1, 0),
    ("Conv2d_2b_3x3", 64, 3, 1, 1),
    ("Conv2d_3b_1x1", 80, 1, 1, 0),
    ("Conv2d_4a_3x3", 192, 3, 1, 0),
)


def _row(name: str, channels: int, kernel: tuple[int, int] = (1, 1), *, stride: int = 1) -> _Row:
    padding = (kernel[0] // 2, kernel[1] // 2) if stride == 1 else (0, 0)
    return name, channels, kernel, stride, padding


def _blocks() -> Iterator[tuple[str, list[_Row]]]:
    """Give the eleven blocks of Table 1 with the sizes of the published network."""
    for part, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        yield f"Mixed_{part}", _figure_5(pooled)
    yield (
        "Mixed_6a",
        [
            _row("branch3x3", 384, (3, 3), stride=2),
            _row("branch3x3dbl_1", 64),
            _row("branch3x3dbl_2", 96, (3, 3)),
            _row("branch3x3dbl_3", 96, (3, 3), stride=2),
        ],
    )
    for part, inner in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        yield f"Mixed_{part}", _figure_6(inner)
    yield (
        "Mixed_7a",
        [
            _row("branch3x3_1", 192),
            _row("branch3x3_2", 320, (3, 3), stride=2),
            _row("branch7x7x3_1", 192),
            _row("branch7x7x3_2", 192, _FLAT),
            _row("branch7x7x3_3", 192, _TALL),
            _row("branch7x7x3_4", 192, (3, 3), stride=2),
        ],
    )
    for part in ("7b", "7c"):
        yield f"Mixed_{part}", _figure_7()


def _figure_5(pooled: int) -> list[_Row]:
    return [
        _row("branch1x1", 64),
        _row("branch5x5_1", 48),
        _row("branch5x5_2", 64, (5, 5)),
        _row("branch3x3dbl_1", 64),
        _row("branch3x3dbl_2", 96, (3, 3)),
        _row("branch3x3dbl_3", 96, (3, 3)),
        _row("branch_pool", pooled),
    ]


def _figure_6(inner: int) -> list[_Row]:
    return [
        _row("branch1x1", 192),
        _row("branch7x7_1", inner),
        _row("branch7x7_2", inner, _FLAT),
        _row("branch7x7_3", 192, _TALL),
        _row("branch7x7dbl_1", inner),
        _row("branch7x7dbl_2", inner, _TALL),
        _row("branch7x7dbl_3", inner, _FLAT),
        _row("branch7x7dbl_4", inner, _TALL),
        _row("branch7x7dbl_5", 192, _FLAT),
        _row("branch_pool", 192),
    ]


def _figure_7() -> list[_Row]:
    return [
        _row("branch1x1", 320),
        _row("branch3x3_1", 384),
        _row("branch3x3_2a", 384, (1, 3)),
        _row("branch3x3_2b", 384, (3, 1)),
        _row("branch3x3dbl_1", 448),
        _row("branch3x3dbl_2", 384, (3, 3)),
        _row("branch3x3dbl_3a", 384, (1, 3)),
        _row("branch3x3dbl_3b", 384, (3, 1)),
        _row("branch_pool", 192),
    ]


def is_inception(folder: Path) -> bool:
    """Tell whether a folder holds an Inception-v3: its config.json says so, or a file of weights is called so."""
    return _config(folder).get("architecture") == ARCHITECTURE or any(folder.glob("inception_v3*.pth"))


def load_inception(name: str, folder: Path) -> InceptionV3:
    """Load an Inception-v3 from a folder.

    Parameters
    ----------
    name
        What it is called.
    folder
        Weights with the names torchvision gives them, as ``.safetensors``, ``.pth`` or ``pytorch_model.bin``; the parts of the
        classifiers are left out. A config.json may say ``"architecture": "inception_v3"`` and a ``"width"`` other than 1.

    Raises
    ------
    OSError
        No file of weights.
    ValueError
        Weights of another network.
    """
    files = [one for pattern in WEIGHT_FILES for one in sorted(folder.glob(pattern))]
    if not files:
        msg = f"no file of weights ({', '.join(WEIGHT_FILES)}) in {str(folder)!r}"
        raise OSError(msg)
    net = InceptionV3(name, float(_config(folder).get("width", 1.0)))
    state = {name: one for name, one in _weights(files[0]).items() if not name.startswith(UNUSED)}
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        msg = f"{files[0].name!r} does not fit Inception-v3: {' '.join(str(error).split())[:160]}"
        raise ValueError(msg) from error
    return net


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _weights(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file)
    state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state
