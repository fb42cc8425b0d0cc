"""Finished vectors as a model: a file of ids and columns is scored like any other model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, DataMissing, quoted
from urbanbench.inputs import format_inputs
from urbanbench.model import Model
from urbanbench.units import LEVELS
from urbanbench.vectors.files import changed_ns

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units
    from urbanbench.vectors.table import VectorTable

__all__ = ["GIVEN_INPUTS", "MIN_MATCH", "GivenVectors", "given_model"]

GIVEN_INPUTS = "given"
"""What stands for the inputs of finished vectors when nobody says what they were made of."""

MIN_MATCH = 0.8
"""Share of the labelled units that must have a row, unless the user says otherwise."""


@dataclass(frozen=True)
class GivenVectors(Model):
    """Vectors of a file.

    Parameters
    ----------
    columns
        Names or patterns of the columns that are the vectors; all columns of numbers but index, ids and row counts when empty.
    min_match
        Share of the labelled units that must have a row, in [0, 1]; None: 0.8, and no id may differ from a unit's in form alone.
    """

    columns: tuple[str, ...] = ()
    min_match: float | None = None
    vectors_file: ClassVar[Path]
    stated: ClassVar[frozenset[str] | None] = None

    def __post_init__(self) -> None:
        if self.min_match is not None and not 0 <= self.min_match <= 1:
            msg = f"min_match got {self.min_match}. Expected a share from 0 to 1, for example 0.5."
            raise BadInput(msg)

    def parameters(self) -> dict[str, Any]:
        """Return the choice of columns, if there is one; how many units must match changes no vector."""
        return {"columns": list(self.columns)} if self.columns else {}

    def variant(self, view: View) -> dict[str, str]:
        """Say where the inputs are known from."""
        del view
        return {} if self.stated is None else {"inputs": "as stated, not checked"}

    @classmethod
    def made_of(cls, inputs: frozenset[str] | None) -> type[Self]:
        """Return the same vectors with the inputs that the user says they were made of; None: not said."""
        made: type[Self] = _given_class(cls.vectors_file, inputs)  # type: ignore[assignment]
        return made

    def table(self, level: str) -> VectorTable:
        """Read the file as a table of a level's units."""
        return _read(self.vectors_file, changed_ns(self.vectors_file), level, self.columns)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Read the file; units it lacks count as units without data."""
        del view, seed, device
        return _fitted(self.table(units.level), units, self.vectors_file.name)


def given_model(path: Path) -> type[Model]:
    """Return a model class that reads its vectors from a file.

    Parameters
    ----------
    path
        ``.parquet`` or ``.csv`` (one id column, number columns), ``.npz`` (arrays `ids` and `vectors`), ``.npy`` (with its ids in a CSV beside), or ``.safetensors`` as
        `EmbeddingSpace.save` writes it.

    Raises
    ------
    DataMissing
        No such file.
    """
    if not path.is_file():
        msg = f"No embedding file {str(path)!r}. Expected a .parquet, .csv, .npz, .npy or .safetensors file. Write one with `urbanbench embed`."
        raise DataMissing(msg)
    return _given_class(path.resolve(), None)


@cache
def _given_class(path: Path, stated: frozenset[str] | None) -> type[GivenVectors]:
    card = ModelCard(
        title=path.stem,
        summary=f"Finished vectors from {path.name}.",
        needs=(),
        can_use=tuple(format_inputs(stated).split(",")) if stated else (),
        embeds=LEVELS,
        trained=False,
    )
    return type("GivenVectorsOfFile", (GivenVectors,), {"card": card, "vectors_file": path, "stated": stated})


@cache
def _read(path: Path, _mtime_ns: int, level: str, columns: tuple[str, ...]) -> VectorTable:
    from urbanbench.space import EmbeddingSpace
    from urbanbench.vectors.table import VectorTable, read_vectors

    if path.suffix != ".safetensors":
        table = read_vectors(path, level=level, columns=columns)
        space = EmbeddingSpace(table.level, table.ids, table.vectors, table.covered)  # judges ids and numbers
        return VectorTable(
            space.level, space.ids, space.vectors, table.columns, table.id_column, space.mask, table.left_out
        )
    if columns:
        msg = f"--columns got {quoted(columns)}, but {path.name!r} has no columns by name. Expected a table. Leave --columns out."
        raise BadInput(msg)
    space = EmbeddingSpace.load(path, level=level)
    names = tuple(f"vectors[{k}]" for k in range(space.dim))
    return VectorTable(space.level, space.ids, space.vectors, names, "ids", space.mask)


def _fitted(table: VectorTable, units: Units, name: str) -> EmbeddingSpace:
    import numpy as np

    from urbanbench.space import EmbeddingSpace
    from urbanbench.vectors.matching import match_ids

    if table.level != units.level:
        msg = f"{name!r} holds vectors of {table.level}s. Expected {units.level}s, which the task labels."
        raise BadInput(msg)
    rows = match_ids(table.ids.tolist(), units.ids).rows
    there = rows >= 0
    vectors = np.where(there[:, None], table.vectors[rows], np.float32(0)).astype(np.float32)
    covered = there if table.covered is None else there & table.covered[rows]
    return EmbeddingSpace(units.level, np.array(units.ids), vectors, covered)
