"""Rows that grow one by one and lie in memory as Arrow batches, not as Python objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Rows"]

_BATCH = 20_000
"""Rows kept as Python objects at most."""


class Rows:
    """Objects of one kind: id, tags, geometry as WKB in longitude and latitude, and perhaps numbers.

    Parameters
    ----------
    numbers
        Names of further columns, float or null.
    """

    def __init__(self, *numbers: str) -> None:
        self._numbers = numbers
        self._open: list[tuple[str, list[tuple[str, str]], bytes, *tuple[float | None, ...]]] = []
        self._closed: list[Any] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, one: str, tags: Mapping[str, str], wkb: bytes, *numbers: float | None) -> None:
        """Add an object."""
        self._open.append((one, list(tags.items()), wkb, *numbers))
        self._count += 1
        if len(self._open) >= _BATCH:
            self._close()

    def table(self) -> pa.Table:
        """Return all rows: id, tags (map), wkb (binary), and the numbers."""
        import pyarrow as pa

        self._close()
        return pa.Table.from_batches(self._closed, schema=self._schema())

    def _schema(self) -> Any:
        import pyarrow as pa

        fixed = {"id": pa.string(), "tags": pa.map_(pa.string(), pa.string()), "wkb": pa.binary()}
        return pa.schema({**fixed, **{name: pa.float32() for name in self._numbers}})

    def _close(self) -> None:
        import pyarrow as pa

        if self._open:
            columns = list(zip(*self._open, strict=True))
            schema = self._schema()
            arrays = [
                pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)
            ]
            self._closed.append(pa.record_batch(arrays, schema=schema))
            self._open = []
