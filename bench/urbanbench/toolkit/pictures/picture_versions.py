"""Pictures as they are, mirrored or turned: what an encoder sees of them while it is trained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from urbanbench.toolkit.pictures.table import PictureTable

__all__ = ["VERSIONS", "Versions"]

VERSIONS = {"mirror": 2, "turn": 4}
"""In how many versions a picture is seen in training: as it is and mirrored, or turned by quarters."""


class Versions(PictureTable):
    """The p pictures of a table in several versions: row v p + r is version v of picture r.

    Parameters
    ----------
    table
        The pictures.
    change
        "mirror", left to right, or "turn", by v quarters.
    """

    def __init__(self, table: PictureTable, change: str) -> None:
        super().__init__(table.open_image, table.paths, table.size, store=table.store, threads=table.threads)
        self.change = change

    def batches(self, rows: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give pixels as `PictureTable.batches` does."""
        parts = super().batches(rows % len(self), batch)
        for start, (pixels, ok) in zip(range(0, len(rows), batch), parts, strict=True):
            version = rows[start : start + batch] // len(self)
            for one in range(1, VERSIONS[self.change]):
                chosen = pixels[version == one]
                pixels[version == one] = (
                    chosen[..., ::-1] if self.change == "mirror" else np.rot90(chosen, one, (2, 3))
                )
            yield pixels, ok
