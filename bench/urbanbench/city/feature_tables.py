"""Tables of a city's folder `features`: what somebody else worked out about its street views or regions' pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import TABLES, row_fault
from urbanbench.city.folder.kinds import as_text, is_whole
from urbanbench.city.folder.limits import MAX_ROWS
from urbanbench.city.folder.marks import foreign
from urbanbench.city.folder.order import in_order
from urbanbench.city.folder.parquet import FaultyTable, TableHead, read_head, read_table
from urbanbench.city.folder.paths import path_fault
from urbanbench.city.folder.text import text_faults

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["FOLDER", "feature_files", "feature_layers", "features_faults", "load_features"]

FOLDER = "features"

_LAYER_OF_KEY = {TABLES[layer].key: layer for layer in ("street_views", "satellite")}
_LAYER_WITH_IDS = {"view_id": "street_views", "region_id": "regions"}


def feature_files(folder: Path) -> dict[str, str]:
    """Return the feature tables of a city folder: name to path, links that lead out of the folder left out."""
    return {Path(path).stem: path for path, fault in _found(folder).items() if not fault}


def _found(folder: Path) -> dict[str, str]:
    """Return every path in the folder `features`, and what keeps it from being a file of the folder."""
    try:
        paths = [f"{FOLDER}/{path.name}" for path in sorted((folder / FOLDER).glob("*.parquet"))]
    except OSError:
        return {}
    return {path: path_fault(folder, path) for path in paths}


def feature_layers(folder: Path) -> dict[str, str]:
    """Return name to the layer a feature table belongs to: `street_views` (view_id) or `satellite` (region_id).

    Tables that cannot be read or have another id belong to none and are left out.
    """
    found = {}
    for name, path in feature_files(folder).items():
        try:
            layer = _layer_of(read_head(folder, path))
        except FaultyTable:
            continue
        if layer:
            found[name] = layer
    return found


def _layer_of(head: TableHead) -> str:
    keys = [key for key in _LAYER_OF_KEY if head.names.count(key) == 1]
    return _LAYER_OF_KEY[keys[0]] if len(keys) == 1 else ""


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

    file, key = feature_files(folder)[name], TABLES[layer].key
    try:
        faults = _head_faults(file, read_head(folder, file), ids)
        if faults:
            return None, faults
        table = read_table(folder, file, None, features=True)
        faults = text_faults(file, table, key) or _deep_text_faults(file, table)
        if faults:
            return None, faults
        if is_whole(table[key].type):
            table = table.set_column(table.column_names.index(key), key, as_text(table[key]))
        frame = table.to_pandas(ignore_metadata=True).set_index(key)
    except FaultyTable as error:
        return None, [str(error)]
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:160]
        return None, [
            f"{file}: expected columns that pandas holds, found a fault ({said}). Store vectors as lists of float32, words as text."
        ]
    faults = _id_faults(file, key, frame, ids) + _value_faults(file, frame)
    return (None, faults) if faults else (in_order(frame), [])


def features_faults(folder: Path, ids_of: Callable[[str], Collection[str] | None]) -> list[str]:
    """Judge all feature tables of a folder; `ids_of` gives the ids of a layer's units, None where they cannot be read."""
    faults = [
        f"{path.encode('utf-8', 'backslashreplace').decode()}: expected a file inside the folder, found {fault}. Copy the table there under a plain name."
        for path, fault in _found(folder).items()
        if fault
    ]
    for name, path in feature_files(folder).items():
        try:
            layer = _layer_of(read_head(folder, path))
        except FaultyTable as error:
            faults.append(str(error))
            continue
        if layer:
            faults += load_features(folder, name, layer, ids_of(layer))[1]
    return faults


def _head_faults(file: str, head: TableHead, ids: Collection[str] | None) -> list[str]:
    most = MAX_ROWS[""] if ids is None else len(ids)
    faults = []
    if head.rows > most:
        faults.append(
            f"{file}: expected at most {most} rows (every unit once), found {head.rows}. Leave rows that repeat a unit out."
        )
    twice = sorted({name for name in head.names if head.names.count(name) > 1})
    if twice:
        faults.append(
            f"{file}: column {twice[0]!r}: expected it once, found {head.names.count(twice[0])} columns of that name. Rename or drop the others."
        )
    return faults


def _deep_text_faults(file: str, table: pa.Table) -> list[str]:
    """Tell columns that hold text inside of lists or structures which is no UTF-8."""
    import pyarrow as pa

    faults = []
    for name in table.column_names:
        try:
            table[name].validate(full=True)
        except pa.ArrowInvalid:
            faults.append(
                f"{file}: column {name!r}: expected whole values and text in UTF-8, found others inside of its rows. Write the column anew."
            )
    return faults


def _id_faults(file: str, key: str, frame: Any, ids: Collection[str] | None) -> list[str]:
    index = frame.index
    if not all(isinstance(one, str) and one for one in index):
        return [
            f"{file}: column {key!r}: expected text in every row, found other values or null. Store ids as text."
        ]
    twice = index[index.duplicated()].unique().tolist()
    mend = f"Keep one row of each with frame.drop_duplicates({key!r})."
    faults = []
    if twice:
        faults.append(row_fault(file, key, twice, expected="every id once", found="duplicate ids", mend=mend))
    return faults + ([] if ids is None else foreign(file, key, index, ids, _LAYER_WITH_IDS[key]))


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
            mend = "Write vectors of one length, or leave the row out."
            faults.append(row_fault(file, name, rows, expected=expected, found="something else", mend=mend))
    return faults
