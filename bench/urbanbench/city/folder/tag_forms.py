"""Tags in whatever form a table stores them, as one map of text to text for each row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.text import is_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["is_tag_map", "is_tags", "tag_maps"]

_KEYS, _VALUES = ("key", "k"), ("value", "v")


def is_tag_map(found: pa.DataType) -> bool:
    """Tell whether a type is the format's own: a map of text to text."""
    from pyarrow import types

    return bool(types.is_map(found) and is_text(found.key_type) and is_text(found.item_type))


def is_tags(found: pa.DataType) -> bool:
    """Tell whether a type can hold tags: a map, a structure of texts, a list of pairs, or text (JSON)."""
    from pyarrow import types

    stored = getattr(found, "storage_type", found)
    if types.is_struct(stored):
        return stored.num_fields > 0 and all(is_text(stored.field(k).type) for k in range(stored.num_fields))
    if _is_list(stored):
        pair = stored.value_type
        return bool(_pair_fields(pair) or (_is_list(pair) and is_text(pair.value_type)))
    return is_text(stored) or is_tag_map(stored)


def tag_maps(column: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Bring a column of tags to maps; keys of structures without a value are left out.

    Parameters
    ----------
    column
        Of a type that `is_tags` accepts.

    Returns
    -------
    maps
        MapArray (n,) of text to text.
    null
        bool (n,): rows without tags, not even an empty map.
    broken
        bool (n,): rows whose text is no JSON object of texts, or whose pairs are not two texts; their map is empty.
    """
    import pyarrow as pa
    from pyarrow import types

    chunks = [getattr(chunk, "storage", chunk) for chunk in column.iterchunks()]
    whole = (
        pa.concat_arrays(chunks)
        if chunks
        else pa.array([], getattr(column.type, "storage_type", column.type))
    )
    null = whole.is_null().to_numpy(zero_copy_only=False)
    if types.is_map(whole.type):
        return whole.cast(pa.map_(pa.string(), pa.string())), null, np.zeros(len(whole), dtype=bool)
    if types.is_struct(whole.type):
        return _of_structures(whole), null, np.zeros(len(whole), dtype=bool)
    maps, broken = _of_lists(whole) if _is_list(whole.type) else _of_json(whole)
    return maps, null, broken


def _is_list(found: pa.DataType) -> bool:
    from pyarrow import types

    # A map is a list to Arrow, too.
    listed = types.is_list(found) or types.is_large_list(found) or types.is_fixed_size_list(found)
    return bool(listed and not types.is_map(found))


def _pair_fields(pair: pa.DataType) -> tuple[str, str] | None:
    """Return the names of key and value of a structure of two texts; None for others."""
    from pyarrow import types

    if not types.is_struct(pair) or pair.num_fields != 2:
        return None
    names = {pair.field(k).name: is_text(pair.field(k).type) for k in range(2)}
    key, value = (next((one for one in known if names.get(one)), "") for known in (_KEYS, _VALUES))
    return (key, value) if key and value else None


def _map_of(rows: np.ndarray, keys: Any, items: Any, count: int) -> pa.Array:
    """Make maps of pairs; `rows` is int64 (m,), rising."""
    import pyarrow as pa

    offsets = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=count)))).astype(np.int32)
    texts = [part.cast(pa.string()) for part in (keys, items)]
    return pa.MapArray.from_arrays(pa.array(offsets), *texts)


def _of_structures(whole: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows, keys, values = [np.empty(0, dtype=np.int64)], [], [pa.array([], pa.string())]
    for place in range(whole.type.num_fields):
        field = pc.struct_field(whole, [place])
        there = np.flatnonzero(field.is_valid().to_numpy(zero_copy_only=False))
        rows.append(there)
        keys.append(np.full(len(there), place))
        values.append(field.take(pa.array(there)).cast(pa.string()))
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    names = pa.array([whole.type.field(k).name for k in range(whole.type.num_fields)], pa.string())
    key = names.take(pa.array(np.concatenate(keys)[order]))
    return _map_of(row[order], key, pa.concat_arrays(values).take(pa.array(order)), len(whole))


def _of_lists(whole: pa.Array) -> tuple[pa.Array, np.ndarray]:
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.list_value_length(whole).fill_null(0).to_numpy(zero_copy_only=False)
    row = np.repeat(np.arange(len(whole)), lengths)
    pairs = pc.list_flatten(whole)
    broken = np.zeros(len(whole), dtype=bool)
    fields = _pair_fields(pairs.type)
    if fields:
        key, value = (pc.struct_field(pairs, name) for name in fields)
    else:
        two = pc.list_value_length(pairs).fill_null(0).to_numpy(zero_copy_only=False) == 2
        broken[row[~two]] = True
        row, pairs = row[two], pairs.filter(pa.array(two))
        texts = pc.list_flatten(pairs)
        even = pa.array(np.arange(0, len(texts), 2))
        key, value = texts.take(even), texts.take(pc.add(even, 1))
    broken[row[key.is_null().to_numpy(zero_copy_only=False)]] = True
    kept = pa.array(~broken[row])
    return _map_of(row[~broken[row]], key.filter(kept), value.filter(kept), len(whole)), broken


def _of_json(whole: pa.Array) -> tuple[pa.Array, np.ndarray]:
    import pyarrow as pa

    broken = np.zeros(len(whole), dtype=bool)
    rows, keys, values = [], [], []
    for row, text in enumerate(whole.cast(pa.large_string()).to_pylist()):
        pairs = () if text is None else _pairs(text)
        broken[row] = pairs is None
        for one in pairs or ():
            rows.append(row)
            keys.append(one[0])
            values.append(one[1])
    key, value = (pa.array(part, pa.string()) for part in (keys, values))
    return _map_of(np.array(rows, dtype=np.int64), key, value, len(whole)), broken


class _Object(tuple[Any, ...]):
    """Pairs of a JSON object, told apart from a list."""

    __slots__ = ()


def _pairs(text: str) -> tuple[tuple[str, str | None], ...] | None:
    """Return the pairs of a JSON object of texts and nulls; None for other text."""
    try:
        found = json.loads(text, object_pairs_hook=_Object)
        sound = isinstance(found, _Object) and all(isinstance(one, str | None) for _, one in found)
        "".join(part or "" for pair in found for part in pair).encode() if sound else b""
    except (ValueError, RecursionError):
        return None
    return found if sound else None
