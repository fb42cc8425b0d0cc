"""Columns and tables, as the format describes them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Column", "TableSchema"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Name in the file.
    kind
        "id" or "group" (text, or integers, which are read as their digits), "text", "number", "integer", "tags" (map of text to
        text) or "geometry" (WKB).
    required
        False for a column that may be left out.
    null
        Whether a row may hold null.
    filled
        Whether text that is there must not be empty.
    unit
        Unit of a number in words; "" where it has none.
    low, high
        The least and the largest number allowed; None for no bound.
    layer
        The layer whose ids the column holds; "" for others, and for a table's own ids.
    about
        What the column holds, as the beginning of a sentence.
    """

    name: str
    kind: str
    required: bool = True
    null: bool = False
    filled: bool = False
    unit: str = ""
    low: float | None = None
    high: float | None = None
    layer: str = ""
    about: str = ""


@dataclass(frozen=True)
class TableSchema:
    """The columns of a table.

    Parameters
    ----------
    columns
        All columns the format knows; others in the file are ignored.
    key
        The column of ids, each of which stands once; "" where rows have no id.
    shapes
        Allowed geometry types; () for a table without geometry.
    order
        Columns that rows are ordered by when a city is opened, so that no result hangs on the order of a file; the key where
        there is one. Rows that are equal in them keep the order of the file.
    some_of
        Columns of which one at least is there.
    least_rows
        The fewest rows a table may have.
    about
        What a row is.
    """

    columns: tuple[Column, ...]
    key: str = ""
    shapes: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    some_of: tuple[str, ...] = ()
    least_rows: int = 0
    about: str = ""

    def column(self, name: str) -> Column:
        """Return the column of a name.

        Examples
        --------
        >>> TableSchema((Column("hour", "integer", high=23),)).column("hour").high
        23
        """
        return next(one for one in self.columns if one.name == name)
