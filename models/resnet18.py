"""Features of a place's pictures by ResNet-18, without any training here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.toolkit.features.frozen_pictures import LEVELS

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class ResNet18(Model):
    """Features of street views and satellite pictures by ResNet-18 with its ImageNet weights; nothing is trained.

    Units are put together as by `imagenet-features`.

    Parameters
    ----------
    image_encoder
        "resnet18" (from the hub or its local cache), a folder with a Hugging Face ResNet of any depth, or another name of
        `urbanbench.toolkit.pictures.image_encoders`.
    size
        Pixels per side to which pictures are scaled.
    """

    image_encoder: str = "resnet18"
    size: int = 224

    card: ClassVar[ModelCard] = ModelCard(
        title="ResNet-18 features",
        summary="Pooled features of street views and satellite pictures by ResNet-18, without training.",
        year=2016,
        paper="He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (CVPR 2016), arXiv:1512.03385",
        code="https://huggingface.co/microsoft/resnet-18 (Apache-2.0; weights only)",
        needs=(),
        needs_any=("street_view", "satellite"),
        embeds=LEVELS,
        trained=False,
        transfers="fixed",
        differs_from_paper=(
            "The network is not fine-tuned: its pooled features (512) stand for a picture.",
            "Pictures are squeezed to a square instead of cropped in the middle.",
            "Averaging over views and regions is ours.",
        ),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}, "small": {}}

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return vectors of street views (n, dim), or of regions: a block (n, dim + 1) for each kind of pictures that may be seen.

        Raises
        ------
        ExtraMissing
            The weights are not on this machine and cannot be fetched.
        """
        from urbanbench.toolkit.features import frozen_pictures
        from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
        from urbanbench.toolkit.training import seeded_torch

        with seeded_torch(seed, "resnet18"):  # for an encoder that is asked for without weights
            encoder = load_image_encoder(self.image_encoder)
        encode = frozen_pictures.frozen_encoder(view, encoder, self.size, device)
        return frozen_pictures.encoded_space(view, units, encode)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder that is really used."""
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder

        del view
        return {"image": f"{name_image_encoder(self.image_encoder)} (frozen)"}
