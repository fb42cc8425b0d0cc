"""A way round a fault of oneDNN: the gradient of strided 1x1 convolutions over few channels writes past its memory."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

__all__ = ["safe_to_train"]

FEWEST_CHANNELS = 16
"""Input channels from which on the fault was not seen: AVX-512 kernels take sixteen numbers at once."""


def safe_to_train(encoder: nn.Module) -> nn.Module:
    """Make an image encoder safe to train on the CPU, in place, and return it.

    Where the channels of a pixel lie together in memory (channels_last), the gradient of the weights of a strided 1x1 convolution with
    fewer than 16 input channels corrupts the process's memory under oneDNN's AVX-512 kernels (seen with torch 2.13.0; docs/images.md).
    Such layers, and no others, get their input in the plain layout, in which another kernel is taken.
    """
    for layer in encoder.modules():
        if _is_concerned(layer):
            layer.register_forward_pre_hook(_plain_layout)
    return encoder


def _is_concerned(layer: nn.Module) -> bool:
    return (
        isinstance(layer, nn.Conv2d)
        and set(layer.kernel_size) == {1}
        and max(layer.stride) > 1
        and layer.in_channels < FEWEST_CHANNELS
    )


def _plain_layout(layer: nn.Module, inputs: Any) -> tuple[Tensor, ...]:
    """Give a layer on the CPU its input with the pixels of a channel together."""
    del layer
    images: Tensor = inputs[0]
    return (images.contiguous() if images.device.type == "cpu" else images,)
