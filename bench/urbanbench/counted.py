"""Numbers of things in sentences."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: int, thing: str, things: str = "") -> str:
    """Write how many things there are, one of them in the singular.

    Parameters
    ----------
    count
        How many.
    thing, things
        The word for one, and for any other number; with an s behind it when left out.

    Examples
    --------
    >>> counted(1, "row"), counted(1200, "row"), counted(0, "city", "cities")
    ('1 row', '1,200 rows', '0 cities')
    """
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"
