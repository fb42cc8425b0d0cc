"""What is said of an error that somebody else's code raised: its message, whatever it is, and the line it came from."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

from urbanbench import errors
from urbanbench.errors import BadInput, UrbanbenchError

__all__ = ["error_of", "place_in", "speakable", "told", "trace_of"]

_LONGEST = 2_000


def error_of(said: Mapping[str, str]) -> UrbanbenchError:
    """Return an error that another process met, as an error of the same class: {"class": …, "message": …}, and attributes of it."""
    kind = getattr(errors, said["class"], BadInput)
    made: UrbanbenchError = kind.__new__(kind)
    Exception.__init__(made, said["message"])
    for name in said.keys() - {"class", "message"}:
        setattr(made, name, said[name])
    return made


def speakable(text: str) -> str:
    r"""Return text that can be written everywhere: signs that UTF-8 cannot hold as escapes, and not endlessly long.

    Examples
    --------
    >>> speakable("\udce4 day")
    '\\udce4 day'
    """
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} signs)"
    return short.encode("utf-8", "backslashreplace").decode("utf-8")


def told(error: BaseException) -> str:
    """Return the kind of an error and its message, also where the message itself cannot be made."""
    kind = speakable(type(error).__name__)
    try:
        text = speakable(str(error)).strip()
    except BaseException as second:  # noqa: BLE001 - a message that fails must not hide the error
        text = f"its message cannot be shown, {type(second).__name__}"
    return f"{kind}: {text}" if text else kind


def place_in(error: BaseException, files: Iterable[Path]) -> str:
    """Name the innermost line of an error's traceback that lies in some files or their private neighbours; "" where none does.

    Private neighbours are files and folders whose names begin with an underscore. An error that another process met says itself where, in `place_there`.
    """
    if said := getattr(error, "place_there", ""):
        return str(said)
    asked = {path.resolve() for path in files}
    folders = {path.parent for path in asked}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        near = next((path.relative_to(one) for one in folders if path.is_relative_to(one)), None)
        if path in asked or (near is not None and near.parts[0].startswith("_")):
            return f" ({near or path.name}, line {frame.lineno})"
    return ""


def trace_of(error: BaseException, frames: int) -> str:
    """Return the innermost frames of an error's traceback as text that can be written everywhere."""
    try:
        lines = traceback.format_exception(error, limit=-frames)
    except Exception:  # noqa: BLE001 - made of what the error says of itself
        lines = traceback.format_tb(error.__traceback__, limit=-frames)
    return "".join(line.encode("utf-8", "backslashreplace").decode("utf-8") for line in lines)
