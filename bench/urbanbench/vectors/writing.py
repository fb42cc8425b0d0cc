"""Vectors into files that others read: Parquet with a column for each number or one of lists, CSV, npz, and npy with its ids beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.vectors.files import ids_file

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["write_csv", "write_ids", "write_npy", "write_npz", "write_parquet"]


def write_parquet(
    path: Path, level: str, ids: np.ndarray, vectors: np.ndarray, covered: np.ndarray, *, lists: bool = False
) -> None:
    """Write a Parquet file: columns id, covered, and d0, d1, …, or one column `vector` of lists.

    Parameters
    ----------
    path
        The file.
    level
        Level of the units; stands in the file's metadata.
    ids, vectors, covered
        Unit ids (n,), float32 (n, dim), bool (n,).
    lists
        Whether each row's numbers are one list of fixed length.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"id": pa.array(ids.tolist()), "covered": pa.array(covered)}
    columns |= {"vector": _lists(vectors)} if lists else _numbers(vectors)
    table = pa.table(columns).replace_schema_metadata({"level": level})
    pq.write_table(table, path, compression="zstd")


def _numbers(vectors: np.ndarray) -> dict[str, pa.Array]:
    import pyarrow as pa

    return {f"d{k}": pa.array(vectors[:, k]) for k in range(vectors.shape[1])}


def _lists(vectors: np.ndarray) -> pa.Array:
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])


def write_csv(path: Path, level: str, ids: np.ndarray, vectors: np.ndarray, covered: np.ndarray) -> None:
    """Write a CSV: the ids under a head that tells the level, such as region_id, covered as true or false, and d0, d1, …, exact to the bit."""
    import pyarrow as pa
    from pyarrow import csv

    columns = {f"{level}_id": pa.array(ids.tolist()), "covered": pa.array(covered)}
    csv.write_csv(pa.table(columns | _numbers(vectors)), path)


def write_npz(path: Path, ids: np.ndarray, vectors: np.ndarray, covered: np.ndarray) -> None:
    """Write plain arrays `ids`, `vectors` and `covered`."""
    with path.open("wb") as out:
        np.savez_compressed(out, ids=ids, vectors=vectors, covered=covered)


def write_npy(path: Path, vectors: np.ndarray) -> None:
    """Write the vectors alone; `write_ids` writes what stands in its rows."""
    with path.open("wb") as out:
        np.save(out, vectors, allow_pickle=False)


def write_ids(path: Path, level: str, ids: np.ndarray, covered: np.ndarray) -> None:
    """Write the table of ids that lies beside an npy file, in the order of its rows."""
    import pyarrow as pa
    from pyarrow import csv

    from urbanbench.atomic import replacing

    table = pa.table({f"{level}_id": pa.array(ids.tolist()), "covered": pa.array(covered)})
    with replacing(ids_file(path)) as part:
        csv.write_csv(table, part)
