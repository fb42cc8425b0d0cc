"""Finished vectors as a model: a file of ids and columns is scored like any other model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, DataMissing
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

__all__ = ["GIVEN_INPUTS", "given_model"]

GIVEN_INPUTS = "given"
"""What stands for the inputs of finished vectors: nobody knows what they were made of."""


@dataclass(frozen=True)
class _GivenVectors(Model):
    vectors_file: ClassVar[Path]

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Read the file; units it lacks count as units without data."""
        del view, seed, device
        from urbanbench.space import EmbeddingSpace

        return _fitted(
            EmbeddingSpace.load(self.vectors_file, level=units.level), units, self.vectors_file.name
        )


def given_model(path: Path) -> type[Model]:
    """Return a model class that reads its vectors from a file.

    Parameters
    ----------
    path
        ``.parquet`` (one id column, number columns) or ``.safetensors`` as `EmbeddingSpace.save` writes it.

    Raises
    ------
    DataMissing
        No such file.
    """
    if not path.is_file():
        msg = f"No embedding file {str(path)!r}. Expected a .parquet or .safetensors file. Write one with `urbanbench embed`."
        raise DataMissing(msg)
    return _given_class(path.resolve())


@cache
def _given_class(path: Path) -> type[Model]:
    card = ModelCard(
        title=path.stem,
        summary=f"Finished vectors from {path.name}.",
        needs=(),
        embeds=("region", "building"),
    )
    return type("GivenVectors", (_GivenVectors,), {"card": card, "vectors_file": path})


def _fitted(space: EmbeddingSpace, units: Units, name: str) -> EmbeddingSpace:
    import numpy as np

    from urbanbench.space import EmbeddingSpace

    if space.level != units.level:
        msg = f"{name!r} holds vectors of {space.level}s. Expected {units.level}s, which the task labels."
        raise BadInput(msg)
    row_of = {one: row for row, one in enumerate(space.ids.tolist())}
    rows = np.array([row_of.get(one, -1) for one in units.ids], dtype=np.int64)
    if (rows < 0).all():
        msg = (
            f"{name!r} shares no id with the {len(units)} {units.level}s of the city. "
            f"Expected ids like {', '.join(units.ids[:3])}, got {', '.join(space.ids[:3].tolist())}."
        )
        raise BadInput(msg)
    there = rows >= 0
    vectors = np.where(there[:, None], space.vectors[rows], np.float32(0)).astype(np.float32)
    return EmbeddingSpace(units.level, np.array(units.ids), vectors, there & space.mask[rows])
