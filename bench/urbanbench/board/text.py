"""Names and reasons come from result files, so they are text of anyone's making."""

from __future__ import annotations

__all__ = ["one_line"]


def one_line(text: str) -> str:
    r"""Return text on one line: control and direction-changing signs become spaces, runs of spaces one.

    Examples
    --------
    >>> one_line(" two\nlines\x1b[31m ")
    'two lines [31m'
    """
    if text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
