"""What a pretrained text encoder says of a region's captions, averaged: the plain reading of the sentences a caption model trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class MinilmCaptions(Model):
    """Mean vector of a region's captions by a frozen sentence encoder; nothing is trained, no picture is read.

    Regions without captions are not covered. A sentence that stands twice in a region counts twice. An item of a retrieval has the vector of its text,
    of length 1, and is not covered without one.

    Parameters
    ----------
    text_encoder
        Name or folder, see `urbanbench.toolkit.texts.text_encoders`. It reads the first 64 tokens of a sentence.
    """

    text_encoder: str = "minilm"

    card: ClassVar[ModelCard] = ModelCard(
        title="MiniLM of captions",
        summary="Mean of a pretrained sentence encoder's vectors of a region's captions, or that of an item's text, without training.",
        year=2019,
        paper="Reimers, Gurevych: Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks (2019), arXiv:1908.10084",
        code="https://github.com/huggingface/sentence-transformers (Apache-2.0; not used)",
        needs=("captions",),
        embeds=("region", "text"),
        trained=False,
        transfers="fixed",
        differs_from_paper=(
            "The encoder is all-MiniLM-L6-v2, a later and smaller one of the same family; its vectors are not scaled to length 1.",
            "Averaging over a region's captions is ours: it is what a model of pictures and captions has to beat where there are captions.",
        ),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}, "small": {}}

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return vectors (n, dim) of regions.

        Raises
        ------
        BadInput
            Unknown ids.
        """
        import numpy as np
        from scipy import sparse

        from urbanbench.city.item_view import of_items
        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.features.encoded import text_features
        from urbanbench.toolkit.features.item_towers import tower_space
        from urbanbench.toolkit.texts.counts import rows_of
        from urbanbench.toolkit.texts.place_texts import distinct_texts
        from urbanbench.toolkit.texts.text_encoders import load_text_encoder
        from urbanbench.toolkit.training import seeded_torch

        del seed  # nothing is trained, and what an untrained encoder draws is the same for every seed
        with seeded_torch(0, "minilm-captions"):
            encoder = load_text_encoder(self.text_encoder)
        if units.level == "item":
            texts_of = of_items(view)
            return tower_space(
                texts_of, units, None, lambda some: text_features(encoder, some, device=device)
            )
        told = view.captions
        texts, text = distinct_texts(told["caption"].tolist())
        region = rows_of(view.region_ids, told["region_id"].tolist())
        ones = np.ones(len(told))
        counts = sparse.csr_array((ones, (region, text)), shape=(len(view.region_ids), len(texts)))
        features = text_features(encoder, texts, device=device)
        total = np.asarray(counts.sum(axis=1))
        mean = np.asarray(counts @ features / np.maximum(total, 1)[:, None], dtype=np.float32)
        rows = rows_of(view.region_ids, units.ids)
        return EmbeddingSpace(units.level, np.array(units.ids), mean[rows], total[rows] > 0)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder."""
        from urbanbench.toolkit.texts.text_encoders import name_text_encoder

        del view
        return {"text": f"{name_text_encoder(self.text_encoder)} (frozen)"}
