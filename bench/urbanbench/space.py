"""EmbeddingSpace: the vectors a model gives back, checked once at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from urbanbench.atomic import read_through, replacing
from urbanbench.errors import BadInput, DataMissing, quoted
from urbanbench.hashing import array_digest
from urbanbench.units import ITEM, LEVELS

__all__ = ["FORMS", "EmbeddingSpace", "check_form"]

FORMS = (".parquet", ".csv", ".npz", ".npy", ".safetensors")
"""Endings of files that vectors are written into."""


@dataclass(frozen=True, eq=False)
class EmbeddingSpace:
    """Vectors of units of one level.

    Parameters
    ----------
    level
        One of "region", "building", "poi", "street_view".
    ids
        Unit ids (n,), unique.
    vectors
        float32 (n, dim), finite. Rows of units without data are zero.
    covered
        bool (n,): False where the model had no data for the unit. All True when left out.
    parts
        Names of parts of a vector and their columns, (first, one after the last): what a paper's own head may read apart.

    Raises
    ------
    BadInput
        Shapes that do not fit, ids that stand twice, other dtypes than float32, NaN or infinite values, dim 0, a part of columns that do not
        exist.
    """

    level: str
    ids: np.ndarray
    vectors: np.ndarray
    covered: np.ndarray | None = None
    parts: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = np.asarray(self.ids, dtype=np.str_)
        covered = np.ones(len(ids), dtype=bool) if self.covered is None else np.asarray(self.covered)
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "covered", covered)
        _check(self.level, ids, self.vectors, covered)
        _check_parts(self.parts, self.dim)

    @property
    def dim(self) -> int:
        """Length of one vector."""
        return int(self.vectors.shape[1])

    @property
    def mask(self) -> np.ndarray:
        """Coverage as a bool array (n,), never None."""
        return np.asarray(self.covered, dtype=bool)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        bare = int((~self.mask).sum())
        return f"EmbeddingSpace({len(self)} {self.level}s x {self.dim}, {bare} without data)"

    def take(self, ids: Sequence[str]) -> EmbeddingSpace:
        """Return the units asked for, in the order asked for.

        Raises
        ------
        BadInput
            An id that is not in the space.
        """
        place = {one: row for row, one in enumerate(self.ids.tolist())}
        missing = [one for one in ids if one not in place]
        if missing:
            msg = (
                f"The embedding space lacks {len(missing)} of {len(ids)} {self.level} ids "
                f"({quoted(missing)}). Expected a row for every unit; "
                f"give units without data a row too, with covered=False."
            )
            raise BadInput(msg)
        rows = np.array([place[one] for one in ids], dtype=np.int64)
        return EmbeddingSpace(self.level, self.ids[rows], self.vectors[rows], self.mask[rows], self.parts)

    def digest(self) -> str:
        """Hash of level, ids, vectors and coverage."""
        return array_digest(np.array([self.level]), self.ids, self.vectors, self.mask)

    def save(self, path: Path, *, lists: bool = False) -> None:
        """Write the form its ending asks for, atomically.

        Parameters
        ----------
        path
            ``.parquet`` (columns id, covered, d0, d1, …), ``.csv`` (the same, the ids as region_id and so on), ``.npz`` (arrays ids, vectors,
            covered), ``.npy`` (the vectors alone, their ids in a file that ends in ``.ids.csv`` beside) or ``.safetensors``, which keeps
            `parts` too.
        lists
            Whether a Parquet file has one column `vector` of lists in place of a column for each number.

        Raises
        ------
        BadInput
            Another ending, or lists in another form.
        CannotWrite
            The folder cannot be written.
        """
        check_form(path, lists=lists)
        with replacing(path, size=self.vectors.nbytes) as part:
            _save(self, path, part, lists=lists)

    @classmethod
    def load(cls, path: Path, *, level: str = "region") -> EmbeddingSpace:
        """Read what `save` wrote, or a table with one id column and number columns; see `urbanbench.vectors.table`.

        Parameters
        ----------
        path
            ``.parquet``, ``.safetensors``, ``.csv``, ``.npz`` or ``.npy``.
        level
            Level to assume when the file does not say.

        Raises
        ------
        DataMissing
            No such file.
        BadInput
            Not such a file, or its content breaks the contract.
        """
        from urbanbench.vectors.table import SUFFIXES, read_vectors

        if path.suffix not in {".safetensors", *SUFFIXES}:
            msg = f"Embedding file {path.name!r} has suffix {path.suffix!r}. Expected .safetensors, {', '.join(SUFFIXES)}."
            raise BadInput(msg)
        if not path.is_file():
            msg = f"No embedding file {str(path)!r}. Expected a .parquet, .safetensors, .csv, .npz or .npy file. Write one with `urbanbench embed`."
            raise DataMissing(msg)
        if path.suffix == ".safetensors":
            return _load_safetensors(path)
        table = read_vectors(path, level=level)
        return cls(table.level, table.ids, table.vectors, table.covered)


def _check(level: str, ids: np.ndarray, vectors: np.ndarray, covered: np.ndarray) -> None:
    if level not in (*LEVELS, ITEM):
        msg = f"Unknown level {level!r}. Expected one of: {', '.join((*LEVELS, ITEM))}."
        raise BadInput(msg)
    if vectors.ndim != 2 or vectors.shape[1] == 0 or ids.shape != (len(vectors),):
        msg = f"Embedding vectors do not fit their ids. Expected vectors (n, dim) with dim > 0 and n ids, got {vectors.shape} and {ids.shape}."
        raise BadInput(msg)
    if vectors.dtype != np.float32:
        msg = f"Embedding vectors have dtype {vectors.dtype}. Expected float32. Mend: vectors.astype('float32')."
        raise BadInput(msg)
    if covered.dtype != bool or covered.shape != ids.shape:
        msg = f"The coverage mask has dtype {covered.dtype} and shape {covered.shape}. Expected bool {ids.shape}."
        raise BadInput(msg)
    if len(np.unique(ids)) != len(ids):
        names, counts = np.unique(ids, return_counts=True)
        msg = f"The embedding space holds {len(ids) - len(names)} repeated ids ({quoted(names[counts > 1])}). Expected every id once. Mend: keep one row of each."
        raise BadInput(msg)
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        msg = (
            f"{int(bad.sum())} embedding rows hold NaN or infinity ({quoted(ids[bad])}). Expected finite numbers; "
            f"give units without data zeros and covered=False."
        )
        raise BadInput(msg)


def _check_parts(parts: Mapping[str, tuple[int, int]], dim: int) -> None:
    for name, (first, end) in parts.items():
        if not 0 <= first < end <= dim:
            msg = f"Part {name!r} of the embedding vectors is columns {first} to {end}. Expected first < end within 0 to {dim}."
            raise BadInput(msg)


def check_form(path: Path, *, lists: bool = False) -> None:
    """Refuse a file that vectors are not written into.

    Raises
    ------
    BadInput
        Another ending, or lists in another form than Parquet.
    """
    if path.suffix not in FORMS:
        msg = f"Embedding file {path.name!r} has suffix {path.suffix!r}. Expected {', '.join(FORMS)}. Mend: name it {path.stem}.parquet"
        raise BadInput(msg)
    if lists and path.suffix != ".parquet":
        msg = f"A column of lists was asked for in {path.name!r}. Expected a .parquet file: no other form has lists. Mend: name it {path.stem}.parquet"
        raise BadInput(msg)


def _save(space: EmbeddingSpace, path: Path, part: Path, *, lists: bool) -> None:
    from urbanbench.vectors import writing

    ids, vectors, covered = space.ids, space.vectors, space.mask
    if path.suffix == ".parquet":
        writing.write_parquet(part, space.level, ids, vectors, covered, lists=lists)
    elif path.suffix == ".csv":
        writing.write_csv(part, space.level, ids, vectors, covered)
    elif path.suffix == ".npz":
        writing.write_npz(part, ids, vectors, covered)
    elif path.suffix == ".npy":
        writing.write_ids(path, space.level, ids, covered)
        writing.write_npy(part, vectors)
    else:
        _save_safetensors(space, part)


def _save_safetensors(space: EmbeddingSpace, path: Path) -> None:
    import json

    from safetensors.numpy import save_file

    metadata = {"level": space.level, "ids": json.dumps(space.ids.tolist())}
    if space.parts:
        metadata["parts"] = json.dumps({name: list(columns) for name, columns in space.parts.items()})
    save_file({"vectors": space.vectors, "covered": space.mask.astype(np.uint8)}, path, metadata=metadata)


def _load_safetensors(path: Path) -> EmbeddingSpace:
    import json

    from safetensors import SafetensorError, safe_open

    try:
        read_through(path)
        with safe_open(path, framework="numpy") as stream:
            metadata = stream.metadata() or {}
            ids = np.array(json.loads(metadata["ids"]), dtype=np.str_)
            return EmbeddingSpace(
                metadata["level"],
                ids,
                stream.get_tensor("vectors"),
                stream.get_tensor("covered").astype(bool),
                {
                    name: (first, end)
                    for name, (first, end) in json.loads(metadata.get("parts", "{}")).items()
                },
            )
    except (SafetensorError, KeyError) as error:
        msg = f"{path.name!r} is no embedding file ({error}). Expected a .safetensors file written by `urbanbench embed`."
        raise BadInput(msg) from error
