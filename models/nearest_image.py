"""Floor of retrieval: what lessons say of the picture that looks most alike stands for a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput
from urbanbench.model import Model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from urbanbench.city.item_view import ItemView
    from urbanbench.city.view import View
    from urbanbench.items import Item
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

ENCODER = "efficientnet-lite0"


@dataclass(frozen=True)
class NearestImage(Model):
    """The picture of lessons that is nearest in a frozen space lends its sentences to an item's picture; these are compared by tf-idf.

    Where an item asks in words, only lessons that ask the same are looked at, if there are any. An item without a picture has its own text.
    Without lessons, or without a picture that can be opened, it is not covered.

    Parameters
    ----------
    neighbours
        How many pictures lend their sentences.
    size
        Pixels per side to which pictures are scaled.
    """

    neighbours: int = 1
    size: int = 224

    card: ClassVar[ModelCard] = ModelCard(
        title="Nearest image",
        summary="Sentences of the most similar picture of the lessons, by ImageNet features without training; compared by tf-idf.",
        needs=(),
        embeds=("image", "text"),
        floor=True,
        family="retrieval",
        transfers="inductive",
        transfers_why="the pictures it compares with are those of the lessons",
    )

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises
        ------
        BadInput
            No neighbour.
        """
        if self.neighbours < 1:
            msg = f"Nearest image has neighbours={self.neighbours}. Expected 1 or more. For example --set neighbours=1"
            raise BadInput(msg)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder."""
        del view
        return {"image": f"{ENCODER} (frozen)"}

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return weights (n, words that both sides have + 2)."""
        learned = self.learn(view, seed=seed, device=device)
        return self.embed_with(learned, view, units=units, seed=seed, device=device)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Return features of the lessons' pictures, what is asked and said of each, and in how many sentences each word occurs."""
        import numpy as np

        from urbanbench.city.item_view import of_items
        from urbanbench.learned import Learned
        from urbanbench.toolkit.texts.overlap import KnownWords

        del seed
        items = of_items(view)
        pairs = [one for one in items.lessons if one.anchor.image and one.positive.text]
        features = self._features(items, [one.anchor for one in pairs], device)
        known = [one for one in pairs if one.anchor.image in features.index]
        images = sorted({one.anchor.image for one in known})
        place = {image: row for row, image in enumerate(images)}
        words = KnownWords.from_lessons(items).to_learned()
        told = [[place[one.anchor.image], one.anchor.text, one.positive.text] for one in known]
        arrays = {"features": np.asarray(features.reindex(images), dtype=np.float32)}
        return Learned(arrays, {"told": told, "words": dict(words.facts)})

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return weights as `embed`, by lessons of elsewhere."""
        from urbanbench.city.item_view import of_items
        from urbanbench.learned import Learned
        from urbanbench.toolkit.texts.overlap import KnownWords, overlap_space, tfidf_vectors

        del seed
        items = of_items(view)
        known = KnownWords.from_learned(Learned({}, learned.facts["words"]))
        documents = self._documents(items, learned, device)
        return overlap_space(items, units, documents, lambda some, sides: tfidf_vectors(some, sides, known))

    def _documents(self, items: ItemView, learned: Learned, device: str) -> dict[str, list[str]]:
        """Return what every item says in words: its own, or those of the nearest pictures."""
        from urbanbench.toolkit.texts.overlap import words_of

        shown = items.items
        features = self._features(items, list(shown.values()), device)
        library = _Library(learned, self.neighbours)
        found: dict[str, list[str]] = {}
        for name, item in shown.items():
            if not item.image:
                found[name] = words_of(item.text)
            elif item.image in features.index:
                said = library.said_of(features.loc[item.image].to_numpy(), item.text)
                found[name] = [word for text in said for word in words_of(text)]
            else:
                found[name] = []
        return found

    def _features(self, items: ItemView, some: list[Item], device: str) -> pd.DataFrame:
        """Return the features of the pictures that can be opened, rows of length 1, by the `image` of items."""
        import numpy as np

        from urbanbench.toolkit.features.frozen_pictures import frozen_encoder
        from urbanbench.toolkit.features.item_towers import item_pictures
        from urbanbench.toolkit.pictures.image_encoders import load_image_encoder

        encode = frozen_encoder(items, load_image_encoder(ENCODER), self.size, device)
        frame = item_pictures(items, [one.image for one in some], encode)
        known = frame[np.isfinite(frame.to_numpy()).all(axis=1)]
        rows: pd.DataFrame = known.div(np.maximum(np.linalg.norm(known.to_numpy(), axis=1), 1e-12), axis=0)
        return rows


class _Library:
    """Pictures of lessons with what is asked and said of them."""

    def __init__(self, learned: Learned, neighbours: int) -> None:
        self._features, self._neighbours = learned.arrays["features"], neighbours
        self._said: dict[str, dict[int, list[str]]] = {}
        for row, question, text in learned.facts["told"]:
            for asked in {question, ""}:
                self._said.setdefault(asked, {}).setdefault(row, []).append(text)

    def said_of(self, features: np.ndarray, question: str) -> list[str]:
        """Return the sentences of the nearest pictures that are asked about so, or at all where none is."""
        import numpy as np

        told = self._said.get(question) or self._said.get("") or {}
        rows = np.array(sorted(told), dtype=np.int64)
        likeness = self._features[rows] @ features
        nearest = rows[np.argsort(-likeness, kind="stable")[: self._neighbours]]
        return [text for row in nearest.tolist() for text in told[row]]
