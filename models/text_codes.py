"""Floor: a frozen text encoder's vector for every category, averaged over a unit's objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.model import Model

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class TextCodes(Model):
    """Vectors of the texts of categories ("amenity: fast food") by a frozen encoder, averaged over a unit's objects.

    `random-codes` with codes that know which categories mean nearly the same. Names are not read. An object with several categories
    has the sum of their vectors.

    Parameters
    ----------
    text_encoder
        Name or folder, see `urbanbench.toolkit.texts.text_encoders`.
    text_pool
        "mean" over tokens, or "cls".
    zero_place
        Whether one more place enters every mean, with the text "context: none" and the weight 1 / (objects + 1), as in the
        published code of CityFM: its weight tells how many objects there are. Every unit is covered then.
    objects
        Which objects, as in `places-counts`: "all", "kept", "places" or "footprints".
    radius_m
        How far from a building objects are read, in metres.
    """

    text_encoder: str = "minilm"
    text_pool: str = "mean"
    zero_place: bool = False
    objects: str = "places"
    radius_m: float = 100.0

    card: ClassVar[ModelCard] = ModelCard(
        title="Text codes",
        summary="A frozen text vector per category, averaged over the objects that models are shown.",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region", "building"),
        floor=True,
        family="attribution",
        transfers="fixed",
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"text_encoder": "bert-base-uncased"},
        "small": {},
    }

    def __post_init__(self) -> None:
        """Refuse objects that do not exist with an UnknownName."""
        from urbanbench.toolkit.ground.objects import OBJECTS, check_choice

        check_choice("word for objects", self.objects, OBJECTS)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return averaged text vectors (n, dim)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.ground.objects import count_categories, pooled
        from urbanbench.toolkit.texts.place_texts import EMPTY_TEXT, category_text

        found = count_categories(view, units, objects=self.objects, radius_m=self.radius_m)
        codes = self._codes([*map(category_text, found.names), EMPTY_TEXT], seed, device)
        sums, number = np.asarray(found.counts @ codes[:-1]), found.number
        if self.zero_place:
            sums, number = sums + codes[-1], number + 1
        vectors = pooled(view, units, sums, number, "mean")
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32), number > 0)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder."""
        from urbanbench.toolkit.texts.text_encoders import name_text_encoder

        del view
        return {"text": f"{name_text_encoder(self.text_encoder)} (frozen)"}

    def _codes(self, texts: list[str], seed: int, device: str) -> np.ndarray:
        """Return float64 (c, dim)."""
        import numpy as np

        from urbanbench.toolkit.features.encoded import text_features
        from urbanbench.toolkit.texts.text_encoders import load_text_encoder
        from urbanbench.toolkit.training import seeded_torch

        with seeded_torch(seed, "text-codes"):
            encoder = load_text_encoder(self.text_encoder, pool=self.text_pool)
        return text_features(encoder, texts, device=device).astype(np.float64)
