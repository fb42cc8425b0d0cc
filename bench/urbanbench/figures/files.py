"""Files of figures: PNG, SVG or PDF by their ending; the same figure is the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput
from urbanbench.figures.letters import settle_letters
from urbanbench.figures.style import drawn_alike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ENDINGS", "check_ending", "figure_bytes", "save_figure", "save_pages"]

_UNDATED: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
}
"""Forms of files, and what they would say of the day and the program, left out."""
ENDINGS = tuple(f".{kind}" for kind in _UNDATED)
"""What the name of a figure's file may end in."""
_DPI = 150


def check_ending(path: Path) -> str:
    """Return the form a file's name asks for: "png", "svg" or "pdf".

    Raises
    ------
    BadInput
        Another ending.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _UNDATED:
        msg = f"The picture {path.name!r} has suffix {path.suffix!r}. Expected .png, .svg or .pdf. Mend: name it {path.stem}.pdf"
        raise BadInput(msg)
    return kind


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return a drawn figure as "png", "svg" or "pdf"."""
    out = io.BytesIO()
    settle_letters(figure)
    with drawn_alike():
        figure.savefig(out, format=kind, dpi=_DPI, metadata=_UNDATED[kind])
    return out.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write a drawn figure, atomically, in the form its name asks for.

    Raises
    ------
    BadInput
        Another ending.
    CannotWrite
        The folder cannot be written.
    """
    from urbanbench.atomic import replacing

    made = figure_bytes(figure, check_ending(path))
    with replacing(path) as part:
        part.write_bytes(made)


def save_pages(figures: Sequence[Figure], path: Path) -> None:
    """Write drawn figures as the pages of one PDF, atomically."""
    from matplotlib.backends.backend_pdf import PdfPages

    from urbanbench.atomic import replacing

    with drawn_alike(), replacing(path) as part, PdfPages(part, metadata=_UNDATED["pdf"]) as pages:
        for figure in figures:
            settle_letters(figure)
            pages.savefig(figure, dpi=_DPI)
