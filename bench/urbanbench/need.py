"""What work will need, judged before it starts: what memory cannot hold is refused in a sentence, and not by the system after hours."""

from __future__ import annotations

from urbanbench.apart.keeping import keeping
from urbanbench.errors import RunRefused

__all__ = ["NUMBER", "refuse_beyond_memory", "size"]

NUMBER = 4
"""Bytes of a float32."""


def refuse_beyond_memory(what: str, needed: float, *, mend: str) -> None:
    """Refuse work that will hold more than there may be: ``--memory-limit``, or nine tenths of the machine's memory.

    Parameters
    ----------
    what
        What will be held, with how many there are of it: "Features of 9,000,000 footprints".
    needed
        Bytes that are held at once.
    mend
        What to do, to paste.

    Raises
    ------
    RunRefused
        It is too much.

    Examples
    --------
    >>> refuse_beyond_memory("Trips of 100 regions", 100 * 200 * NUMBER, mend="--set max_partners=50")
    """
    most = keeping().limits.most_mb * 1e6
    if needed > most:
        msg = f"{what} would take {size(needed)} of memory. Expected at most {size(most)}, which this machine or --memory-limit leaves. Mend: {mend}"
        raise RunRefused(msg)


def size(count: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(5.12e9), size(7e6)
    ('5.1 GB', '7 MB')
    """
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
