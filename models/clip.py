"""What CLIP says of a place's pictures: from a table in the city folder, or from weights in a folder or on the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.toolkit.features.frozen_pictures import LEVELS

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.item_view import ItemView
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

MEND = "--set image_encoder=/path/to/folder, or add features/clip_vitl14.parquet (view_id and one vector column) to the city"


@dataclass(frozen=True)
class Clip(Model):
    """Picture vectors of CLIP, each of length 1; nothing is trained.

    For each kind of pictures a feature table of the city folder is used where there is one, else the encoder. Where there is a table
    for the one kind, and no encoder on this machine for the other, that kind is left out, which the variant tells. Units are put
    together as by `imagenet-features`. An item of a retrieval has the vector of its picture or of its text, or the sum of both, always by the encoder.

    Parameters
    ----------
    image_encoder
        Folder or hub name of a CLIP.
    street_table, satellite_table
        Names of feature tables (``features/<name>.parquet``, by view_id and by region_id) with one vector column; "" for none.
    """

    image_encoder: str = "openai/clip-vit-large-patch14"
    street_table: str = "clip_vitl14"
    satellite_table: str = "clip_vitl14_satellite"

    card: ClassVar[ModelCard] = ModelCard(
        title="CLIP features",
        summary="Picture vectors of CLIP for street views and satellite pictures, without training.",
        year=2021,
        paper="Radford et al.: Learning Transferable Visual Models From Natural Language Supervision (ICML 2021), arXiv:2103.00020",
        code="https://github.com/openai/CLIP (MIT; weights only)",
        needs=(),
        needs_any=("street_view", "satellite"),
        embeds=(*LEVELS, "image", "text"),
        trained=False,
        transfers="fixed",
        differs_from_paper=(
            "The probe is the suite's head, not a logistic regression chosen per data set.",
            "Pictures are squeezed to a square (bilinear) instead of cropped in the middle (bicubic); feature tables are as their makers made them.",
            "Averaging over views and regions is ours.",
        ),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": {"image_encoder": "openai/clip-vit-base-patch32"},
    }

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return vectors of street views (n, dim), or of regions: a block (n, dim + 1) for each kind of pictures that is used.

        Raises
        ------
        ExtraMissing
            There is no feature table, and the weights are not on this machine and cannot be fetched.
        BadInput
            A feature table without exactly one vector column.
        """
        from urbanbench.city.item_view import of_items
        from urbanbench.toolkit.features import frozen_pictures as pictures
        from urbanbench.toolkit.pictures.clip_encoders import load_clip_encoder

        del seed
        if units.level == "item":
            return self._items(of_items(view), units, device)
        sources = self._sources(view)
        if units.level != "region":
            sources.pop("satellite", None)
        encode = None
        if "" in sources.values():
            encoder = load_clip_encoder(self.image_encoder, mend=MEND)
            encode = pictures.frozen_encoder(view, encoder, encoder.size, device)
        made: dict[str, pd.DataFrame] = {}
        for kind, table in sources.items():
            compute = pictures.FEATURES_OF[kind]
            made[kind] = compute(view, units, encode) if encode and not table else _unit_rows(view, table)
        return pictures.picture_space(view, units, made.get("street_view"), made.get("satellite"))

    def _items(self, view: ItemView, units: Units, device: str) -> EmbeddingSpace:
        """Return vectors of items (n, dim), by the two towers of one CLIP."""
        from urbanbench.toolkit.features.frozen_pictures import frozen_encoder
        from urbanbench.toolkit.features.item_towers import tower_space
        from urbanbench.toolkit.pictures.clip_encoders import encode_sentences, load_clip_encoder

        encoder = load_clip_encoder(self.image_encoder, mend=MEND)
        encode = frozen_encoder(view, encoder, encoder.size, device)
        return tower_space(view, units, encode, lambda some: encode_sentences(encoder, some, device))

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the table or the encoder behind each kind of pictures that may be seen."""
        from urbanbench.city.item_view import ItemView
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder

        own = f"{name_image_encoder(self.image_encoder)} (frozen)"
        if isinstance(view, ItemView):
            return {"image": own, "text": own}
        used = {kind: f"features/{table}" if table else own for kind, table in self._sources(view).items()}
        left_out = "none (no feature table, and CLIP is not on this machine)"
        return {kind: used.get(kind, left_out) for kind in self.card.needs_any if view.has(kind)}

    def _sources(self, view: View) -> dict[str, str]:
        """Return the kinds of pictures that are used, and the feature table behind each, "" for the encoder."""
        from urbanbench.toolkit.pictures._clip_nets import clip_is_here

        tables = {"street_view": self.street_table, "satellite": self.satellite_table}
        found = {
            kind: name if name and view.has_features(name) else ""
            for kind, name in tables.items()
            if view.has(kind)
        }
        if any(found.values()) and not all(found.values()) and not clip_is_here(self.image_encoder):
            return {kind: name for kind, name in found.items() if name}
        return found


def _unit_rows(view: View, table: str) -> pd.DataFrame:
    """Return a feature table with rows of length 1, as the encoder gives them."""
    import numpy as np

    from urbanbench.toolkit.features.frozen_pictures import table_features

    rows = table_features(view, table)
    return rows.div(np.maximum(np.linalg.norm(rows.to_numpy(), axis=1), 1e-12), axis=0)
