"""JSON files of a city folder, read without trusting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from urbanbench.city.folder.entries import depth_of
from urbanbench.city.folder.fields import json_kind
from urbanbench.city.folder.limits import MAX_DEPTH, MAX_JSON_BYTES

__all__ = ["object_of", "read_object"]


def read_object(folder: Path, file: str, like: str) -> tuple[dict[str, Any] | None, str]:
    """Read a file that holds one object; None and a fault where it does not.

    Parameters
    ----------
    folder, file
        The city folder, and a file in it that is there.
    like
        What to do about a file that holds something else, as a sentence.
    """
    text, fault = _text(folder / file, file)
    return (None, fault) if fault else object_of(file, text, like)


def object_of(file: str, text: str, like: str) -> tuple[dict[str, Any] | None, str]:
    """Read the text of a file that holds one object; see `read_object`."""
    try:
        raw = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return (
            None,
            f"{file}: expected valid JSON, found a fault ({_printable(str(error)[:200])}). Mend it there, or write the file with json.dump.",
        )
    if not isinstance(raw, dict):
        return None, f"{file}: expected an object, found {json_kind(raw)}. {like}"
    if depth_of(raw) > MAX_DEPTH:
        return (
            None,
            f"{file}: expected at most {MAX_DEPTH} lists and objects inside one another, found more. Flatten it.",
        )
    written = json.dumps(raw, ensure_ascii=False)
    if written != _printable(written):
        return (
            None,
            f"{file}: expected text of whole characters, found half of a pair ('\\ud800' to '\\udfff'). Write characters, not their halves.",
        )
    return raw, ""


def _text(path: Path, file: str) -> tuple[str, str]:
    """Read a file, with or without a byte order mark; text, or "" and a fault."""
    try:
        size = path.stat().st_size
        if size > MAX_JSON_BYTES:
            return (
                "",
                f"{file}: expected at most {MAX_JSON_BYTES} bytes, found {size}. Keep data in Parquet files.",
            )
        return path.read_bytes().decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        found = f"{error.object[error.start : error.start + 8]!r} at byte {error.start}"
        return "", f"{file}: expected valid JSON in UTF-8, found {found}. Save it as UTF-8."
    except OSError as error:
        return "", f"{file}: expected a readable file, found a fault ({error.strerror}). Make it readable."


def _printable(text: str) -> str:
    """Write halves of characters, which no file and no terminal takes, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            msg = f"key {key[:60]!r} stands twice in one object"
            raise ValueError(msg)
        found[key] = value
    return found


def _no_constant(word: str) -> Any:
    msg = f"{word} is no JSON number"
    raise ValueError(msg)
