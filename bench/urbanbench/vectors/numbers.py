"""Arrow columns as numbers and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "as_numbers",
    "counts_rows",
    "holds_numbers",
    "holds_text",
    "is_number_text",
    "is_yes_no",
    "text_values",
]


def holds_text(column: pa.ChunkedArray) -> bool:
    """Tell whether a column is of text, plain or dictionary-encoded."""
    kind = _value_type(column)
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def holds_numbers(column: pa.ChunkedArray) -> bool:
    """Tell whether a column is of numbers, decimals, true and false, or lists of numbers."""
    import pyarrow as pa

    kind = _value_type(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def as_numbers(file: str, name: str, column: pa.ChunkedArray) -> np.ndarray:
    """Return a column as float32 (n, k); k is 1, or the length of its lists. Missing numbers are NaN.

    Raises
    ------
    BadInput
        Lists of different lengths.
    """
    import pyarrow as pa

    plain = column.cast(_value_type(column)) if pa.types.is_dictionary(column.type) else column
    if not pa.types.is_nested(plain.type):
        return _float32(_flat(plain))[:, None]
    lengths = {len(one) if one is not None else -1 for one in plain.to_pylist()}
    if len(lengths) != 1 or -1 in lengths:
        msg = f"{file!r} has lists of different lengths in {name!r}, or none in some rows. Expected lists of one length. Mend: leave rows without a vector out."
        raise BadInput(msg)
    width = lengths.pop()
    flat = _float32(_flat(pa.chunked_array([one.flatten() for one in plain.chunks])))
    return flat.reshape(len(plain), width)


def counts_rows(column: pa.ChunkedArray) -> bool:
    """Tell whether whole numbers are 0, 1, 2, … or 1, 2, 3, … in the order of the rows."""
    import pyarrow as pa

    if not pa.types.is_integer(column.type) or len(column) < 3 or column.null_count:
        return False
    numbers = column.to_numpy()
    return bool(numbers[0] in (0, 1) and (np.diff(numbers.astype(np.int64)) == 1).all())


def text_values(column: pa.ChunkedArray) -> list[str | None]:
    """Return a column as text, None where it holds none; whole numbers without a point.

    Raises
    ------
    UnicodeDecodeError
        Text that is not UTF-8.
    """
    values = column.to_pylist()
    return [None if one is None or one != one else _text(one) for one in values]  # noqa: PLR0124 - NaN


def is_number_text(column: pa.ChunkedArray) -> bool:
    """Tell whether all of a text column can be read as numbers; a comma may stand for the point."""
    filled = [one.strip().replace(",", ".") for one in text_values(column) if one and one.strip()]
    try:
        return bool(filled) and all(np.isfinite(float(one)) for one in filled)
    except ValueError:
        return False


def is_yes_no(column: pa.ChunkedArray) -> bool:
    """Tell whether a column is of true and false, or of 0 and 1."""
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        return True
    return bool(pa.types.is_integer(column.type) and set(column.unique().to_pylist()) <= {0, 1})


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _value_type(column: pa.ChunkedArray) -> Any:
    import pyarrow as pa

    return column.type.value_type if pa.types.is_dictionary(column.type) else column.type


def _flat(column: pa.ChunkedArray) -> np.ndarray:
    import pyarrow as pa

    if pa.types.is_decimal(column.type) or pa.types.is_boolean(column.type):
        return np.array([np.nan if one is None else float(one) for one in column.to_pylist()])
    found: np.ndarray = column.to_numpy()
    return found


def _float32(numbers: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(numbers, dtype=np.float64).astype(np.float32)
