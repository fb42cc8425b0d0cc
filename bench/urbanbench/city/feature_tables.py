"""Tables of a city's folder `features`: what somebody else worked out about its street views or regions' pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import MAX_ROWS, TABLES, row_fault
from urbanbench.city.folder.marks import foreign
from urbanbench.city.folder.paths import path_fault
from urbanbench.city.folder.read import unreadable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FOLDER", "feature_files", "feature_layers", "features_faults", "load_features"]

FOLDER = "features"

_LAYER_OF_KEY = {TABLES[layer].key: layer for layer in ("street_views", "satellite")}


def feature_files(folder: Path) -> dict[str, str]:
    """Return the feature tables of a city folder: name to path, links that lead out of the folder left out."""
    paths = {path.stem: f"{FOLDER}/{path.name}" for path in sorted((folder / FOLDER).glob("*.parquet"))}
    return {name: path for name, path in paths.items() if not path_fault(folder, path)}


def feature_layers(folder: Path) -> dict[str, str]:
    """Return name to the layer a feature table belongs to: `street_views` (view_id) or `satellite` (region_id).

    Tables that cannot be read or have another id belong to none and are left out.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = {}
    for name, path in feature_files(folder).items():
        try:
            columns = pq.read_schema(folder / path).names
        except (pa.ArrowException, OSError, ValueError):
            continue
        keys = [key for key in _LAYER_OF_KEY if columns.count(key) == 1]
        if len(keys) == 1:
            found[name] = _LAYER_OF_KEY[keys[0]]
    return found


def load_features(
    folder: Path, name: str, layer: str, ids: Collection[str] | None
) -> tuple[pd.DataFrame | None, list[str]]:
    """Read a feature table.

    Parameters
    ----------
    folder, name, layer
        The city folder, and one of what `feature_layers` gives.
    ids
        Known ids of the layer's units, or None to skip the rule about them.

    Returns
    -------
    frame
        Indexed by view_id or region_id, other columns as stored (lists as arrays); None when there are faults.
    faults
        One sentence per fault.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file, key = feature_files(folder)[name], TABLES[layer].key
    try:
        with pq.ParquetFile(folder / file) as parquet:
            if parquet.metadata.num_rows > MAX_ROWS:
                return None, [f"{file}: expected at most {MAX_ROWS} rows, found {parquet.metadata.num_rows}."]
            frame = parquet.read().to_pandas(ignore_metadata=True).set_index(key)
    except (pa.ArrowException, OSError, ValueError) as error:
        return None, [unreadable(file, error)]
    faults = _id_faults(file, key, frame, ids) + _value_faults(file, frame)
    return (None, faults) if faults else (frame, [])


def features_faults(folder: Path, ids_of: Callable[[str], Collection[str] | None]) -> list[str]:
    """Judge all feature tables of a folder; `ids_of` gives the ids of a layer's units, None where they cannot be read."""
    layers: Mapping[str, str] = feature_layers(folder)
    return [
        fault
        for name, layer in layers.items()
        for fault in load_features(folder, name, layer, ids_of(layer))[1]
    ]


def _id_faults(file: str, key: str, frame: Any, ids: Collection[str] | None) -> list[str]:
    index = frame.index
    if not all(isinstance(one, str) and one for one in index):
        return [f"{file}: column {key!r}: expected text in every row, found other values or null."]
    twice = index[index.duplicated()].unique().tolist()
    faults = [row_fault(file, key, twice, expected="every id once", found="duplicate ids")] if twice else []
    return faults + ([] if ids is None else foreign(file, key, index, ids, "ids of its layer"))


def _value_faults(file: str, frame: Any) -> list[str]:
    """Vectors of one column have one length and are finite."""
    faults = []
    for name in frame.columns:
        column = frame[name].to_numpy()
        if not len(column) or not isinstance(column[0], np.ndarray):
            continue
        good = [
            isinstance(one, np.ndarray)
            and one.shape == column[0].shape
            and one.dtype.kind in "fiu"
            and bool(np.isfinite(one).all())
            for one in column
        ]
        rows = frame.index[~np.array(good)].tolist()
        if rows:
            expected = f"{len(column[0])} finite numbers, as in the first row"
            faults.append(row_fault(file, name, rows, expected=expected, found="something else"))
    return faults
