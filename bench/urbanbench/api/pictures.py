"""Pictures that are drawn when somebody looks at them."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["Picture"]

_SHOWN_WIDTH, _COLOURS = 720, 96
"""A notebook keeps what it shows: a picture in it has this many pixels and colours at most, its file all of them."""


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A map or plot. A notebook shows it small; `save` writes it whole.

    Parameters
    ----------
    title
        What it shows.
    draw
        Writes it to a path, as the kind that the suffix names.
    """

    title: str
    draw: Callable[[Path], None]

    def save(self, path: Path | str) -> Path:
        """Write the picture, ``.png`` or ``.svg``, of residuals ``.pdf`` too, and return where.

        Raises
        ------
        BadInput
            Another suffix.
        """
        self.draw(Path(path))
        return Path(path)

    def __repr__(self) -> str:
        return f"Picture({self.title!r}; .save('FILE.png') writes it)"

    def _repr_png_(self) -> bytes:
        return self._small

    def to_html(self) -> str:
        """Return the picture as an element of a page, with its title for those who do not see it."""
        from html import escape

        data = base64.b64encode(self._small).decode()
        return f'<img alt="{escape(self.title)}" src="data:image/png;base64,{data}" style="max-width:100%">'

    @cached_property
    def _small(self) -> bytes:
        from PIL import Image

        with tempfile.TemporaryDirectory(prefix="urbanbench-") as folder:
            path = Path(folder) / "picture.png"
            self.draw(path)
            with Image.open(path) as whole:
                image = whole.convert("RGB")
        height = max(1, round(image.height * _SHOWN_WIDTH / image.width))
        if image.width > _SHOWN_WIDTH:
            image = image.resize((_SHOWN_WIDTH, height), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        image.quantize(_COLOURS).save(out, format="PNG", optimize=True)
        return out.getvalue()
