"""Pictures as they are, mirrored or turned: what an encoder sees of them while it is trained."""

from __future__ import annotations

import numpy as np

from urbanbench.toolkit.pictures.table import PictureTable, Pixels

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

    def begin(self, rows: np.ndarray, into: np.ndarray | None = None) -> Pixels:
        """Let the threads decode pictures as `PictureTable.begin` does; whoever waits for them changes them."""
        plain, version = super().begin(rows % len(self), into), rows // len(self)

        def wait() -> tuple[np.ndarray, np.ndarray]:
            pixels, ok = plain()
            for one in range(1, VERSIONS[self.change]):
                chosen = pixels[version == one]
                pixels[version == one] = (
                    chosen[..., ::-1] if self.change == "mirror" else np.rot90(chosen, one, (2, 3))
                )
            return pixels, ok

        return wait
