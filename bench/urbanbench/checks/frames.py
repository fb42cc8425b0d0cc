"""A fingerprint of all tables a view hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import RASTERS
from urbanbench.hashing import array_digest, value_digest
from urbanbench.inputs import LAYER_OF

if TYPE_CHECKING:
    from urbanbench.city.view import View

__all__ = ["frames_digest"]


def frames_digest(view: View) -> str:
    """Hash index, columns and content of the regions and of every allowed table; rasters cannot be changed.

    Tables count as touched afterwards; call ``view.reset_touched()`` where that matters.
    """
    names = [
        "regions",
        *(
            LAYER_OF[name]
            for name in sorted(view.inputs)
            if name in LAYER_OF and LAYER_OF[name] not in RASTERS and view.has(name)
        ),
    ]
    return value_digest({name: _frame_digest(getattr(view, name)) for name in names})


def _frame_digest(frame: Any) -> list[Any]:
    columns = [[str(name), _column_digest(frame[name])] for name in frame.columns]
    return [array_digest(frame.index.to_numpy(dtype=object)), columns]


def _column_digest(column: Any) -> str:
    import shapely

    from urbanbench.city.folder.tags import tag_table

    if column.name == "geometry":
        return array_digest(np.array([one.hex() for one in shapely.to_wkb(np.asarray(column))], dtype=object))
    if column.name == "tags":
        table = tag_table(column)
        return array_digest(table.rows, table.key, table.value)
    plain = column.to_numpy()
    return array_digest(plain if plain.dtype.kind in "fiub" else plain.astype(object))
