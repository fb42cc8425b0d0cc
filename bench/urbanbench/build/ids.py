"""Ids as text: what a file holds as numbers, text or categories, written as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pick_column", "text_ids"]


def text_ids(column: pd.Series) -> list[str]:
    """Write ids as text; "" where there is none.

    Text keeps its leading zeros, whole numbers have no decimal point even where a file stores them as floats.

    Examples
    --------
    >>> import pandas as pd
    >>> text_ids(pd.Series(["007", " 12 ", None])), text_ids(pd.Series([7.0, 36061000100.0])), text_ids(pd.Series([1.5]))
    (['007', '12', ''], ['7', '36061000100'], ['1.5'])
    """
    return [_text(one) for one in column.astype(object).tolist()]


def _text(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def pick_column(file: str, columns: Any, name: str, asked: str) -> str:
    """Return the column that was asked for; a name in another case is found where it is the only one.

    Parameters
    ----------
    file
        Name of the file, for errors.
    columns
        Its columns.
    name
        The column asked for; "" where none was.
    asked
        How to ask for it, to paste.

    Raises
    ------
    BadInput
        No such column, or none asked for.
    """
    known = [str(one) for one in columns if str(one) != "geometry"]
    if name in known:
        return name
    alike = [one for one in known if name and one.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    found = f"no column {name!r}" if name else "no choice of a column"
    msg = f"{file}: expected {asked}, found {found}. Its columns: {', '.join(known[:20]) or 'none'}."
    raise BadInput(msg)
