"""Tags of a million objects without a million Python lists: long form, and removal of what a task withholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["TagTable", "drop_key", "empty_rows", "tag_table"]


@dataclass(frozen=True, eq=False)
class TagTable:
    """All tags of a frame in long form, one row a tag, in the order of the frame.

    Parameters
    ----------
    rows
        int32 (m,): position in the frame of the object that carries the tag.
    key_codes, value_codes
        int32 (m,): positions in `key_names` and `value_names`.
    key_names, value_names
        object (k,), (v,): the distinct keys and values, in order of first appearance.
    n
        Number of objects in the frame.

    Examples
    --------
    Objects with ``amenity=cafe``:

    >>> import pandas as pd, pyarrow as pa
    >>> tags = pa.array([[("amenity", "cafe")], [], [("shop", "books"), ("name", "A")]], pa.map_(pa.string(), pa.string()))
    >>> table = tag_table(pd.Series(tags, dtype=pd.ArrowDtype(tags.type)))
    >>> table.rows[(table.key == "amenity") & (table.value == "cafe")].tolist()
    [0]
    >>> table.pairs()[1].tolist()
    ['amenity=cafe', 'shop=books', 'name=A']
    """

    rows: np.ndarray
    key_codes: np.ndarray
    value_codes: np.ndarray
    key_names: np.ndarray
    value_names: np.ndarray
    n: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def key(self) -> np.ndarray:
        """Key of every tag, object (m,)."""
        return np.asarray(self.key_names[self.key_codes])

    @property
    def value(self) -> np.ndarray:
        """Value of every tag, object (m,)."""
        return np.asarray(self.value_names[self.value_codes])

    def where(self, keep: np.ndarray) -> TagTable:
        """Keep some tags; `keep` is bool (m,)."""
        return TagTable(
            self.rows[keep],
            self.key_codes[keep],
            self.value_codes[keep],
            self.key_names,
            self.value_names,
            self.n,
        )

    def with_key(self, *keys: str) -> TagTable:
        """Keep the tags with one of these keys."""
        return self.where(np.isin(self.key_names.astype(str), keys)[self.key_codes])

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Give every distinct ``key=value`` pair a number.

        Returns
        -------
        codes
            int64 (m,): position of every tag's pair in `names`.
        names
            object (p,): "key=value", in order of first appearance.
        """
        joint = self.key_codes.astype(np.int64) * max(len(self.value_names), 1) + self.value_codes
        _, first, inverse = np.unique(joint, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        heads = first[order]
        names = np.array(
            [f"{k}={v}" for k, v in zip(self.key[heads], self.value[heads], strict=True)], dtype=object
        )
        return place[inverse], names


def tag_table(tags: pd.Series) -> TagTable:
    """Spread a frame's `tags` column into long form.

    Parameters
    ----------
    tags
        Series of Arrow maps, as in the `tags` column of a city's frames.
    """
    maps = _maps(tags)
    offsets, keys, values = _parts(maps)
    key_codes, key_names = _codes(keys)
    value_codes, value_names = _codes(values)
    rows = np.repeat(np.arange(len(maps), dtype=np.int32), np.diff(offsets))
    return TagTable(rows, key_codes, value_codes, key_names, value_names, len(maps))


def drop_key(tags: pd.Series, key: str) -> pd.Series:
    """Remove every tag with this key."""
    maps = _maps(tags)
    offsets, keys, values = _parts(maps)
    codes, names = _codes(keys)
    return _rebuild(tags, maps, offsets, keys, values, names[codes] != key)


def empty_rows(tags: pd.Series, rows: np.ndarray) -> pd.Series:
    """Remove all tags of some objects; `rows` is bool (n,)."""
    maps = _maps(tags)
    offsets, keys, values = _parts(maps)
    return _rebuild(tags, maps, offsets, keys, values, ~np.repeat(rows, np.diff(offsets)))


def _maps(tags: pd.Series) -> pa.MapArray:
    import pyarrow as pa

    column = pa.chunked_array(tags.array.__arrow_array__())
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _parts(maps: pa.MapArray) -> tuple[np.ndarray, pa.Array, pa.Array]:
    """Offsets (n + 1,) starting at 0, keys and values of exactly these rows, even of a slice."""
    offsets = maps.offsets.to_numpy()
    start, stop = int(offsets[0]), int(offsets[-1])
    return offsets - start, maps.keys.slice(start, stop - start), maps.items.slice(start, stop - start)


def _codes(text: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    coded = text.dictionary_encode()
    names = np.array(coded.dictionary.to_pylist(), dtype=object)
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), names


def _rebuild(
    tags: pd.Series,
    maps: pa.MapArray,
    offsets: np.ndarray,
    keys: pa.Array,
    values: pa.Array,
    keep: np.ndarray,
) -> pd.Series:
    import pandas as pd
    import pyarrow as pa

    if keep.all():
        return tags
    kept_before = np.concatenate(([0], np.cumsum(keep)))
    mask = pa.array(keep)
    new = pa.MapArray.from_arrays(
        pa.array(kept_before[offsets].astype(np.int32)),
        keys.filter(mask),
        values.filter(mask),
        type=maps.type,
    )
    return pd.Series(pd.arrays.ArrowExtensionArray(new), index=tags.index, name=tags.name)
