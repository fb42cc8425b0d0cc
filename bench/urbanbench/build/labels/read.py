"""Reading what ``--labels`` was given: a TOML file, a table with one beside it, or one word."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from urbanbench.build.files import read_table, there
from urbanbench.build.labels.wish import RASTERS, TOLD, Wish, make_wish
from urbanbench.errors import BadInput

__all__ = ["read_wishes"]


def read_wishes(words: Iterable[str]) -> list[Wish]:
    """Read what ``--labels`` was given: TOML files, tables with a TOML file beside them, or ``NAME=FILE; key=value; …``.

    Raises
    ------
    DataMissing
        No such file.
    BadInput, UnknownName
        What is not told, told twice, or cannot be.
    """
    wishes = [wish for word in words for wish in _read(word)]
    twice = sorted({one.name for one in wishes if sum(other.name == one.name for other in wishes) > 1})
    if twice:
        msg = f"--labels has {twice[0]!r} twice. Expected every label once."
        raise BadInput(msg)
    return wishes


def _read(word: str) -> list[Wish]:
    if "=" in word:
        return [_of_word(word)]
    path = there(Path(word), "labels")
    told = path if path.suffix.lower() == ".toml" else path.with_suffix(".toml")
    if not told.is_file():
        raise _not_told(path, told)
    try:
        sections = tomllib.loads(told.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f'{told.name}: expected TOML with a section for each label, found a fault ({error}). Mend: [NAME] on a line of its own, then key = "text"'
        raise BadInput(msg) from error
    if not sections or not all(isinstance(one, dict) for one in sections.values()):
        msg = f"{told.name}: expected a section for each label, [NAME], found {'none' if not sections else 'keys outside of sections'}."
        raise BadInput(msg)
    return [make_wish(name, section, told.parent, told.name) for name, section in sections.items()]


def _of_word(word: str) -> Wish:
    parts = [part.partition("=") for part in word.split(";") if part.strip()]
    if any(not sign for _, sign, _ in parts):
        msg = f"--labels got {word!r}. Expected NAME=FILE;key=value;… or a TOML file."
        raise BadInput(msg)
    (name, _, file), *more = [(key.strip(), sign, value.strip()) for key, sign, value in parts]
    section = {"file": file} if file not in {"", "osm"} else {"how": "osm"}
    return make_wish(name, {**section, **{key: value for key, _, value in more}}, Path(), f"--labels {name}")


def _not_told(path: Path, told: Path) -> BadInput:
    columns = (
        [str(one) for one in read_table(path, "labels").columns] if path.suffix.lower() not in RASTERS else []
    )
    first = columns[0] if columns else "ID"
    lines = [
        "[NAME]",
        f'file = "{path.name}"',
        *([f'id = "{first}"', f'column = "{columns[-1]}"'] if columns else ['statistic = "sum"']),
        *(f'{key} = "…"' for key in TOLD),
    ]
    have = f" Its columns: {', '.join(columns[:20])}." if columns else ""
    text = "\n  ".join(lines)
    return BadInput(
        f"{path.name} comes without a description.{have} Expected {told.name} beside it, with a section for each label. Mend, to paste into {told.name} and fill in:\n  {text}"
    )
