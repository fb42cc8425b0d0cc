"""Output: tables, pages and JSON on stdout, notes on stderr; in signs that the stream can hold."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from urbanbench.cli.signs import holds
from urbanbench.errors import CannotWrite
from urbanbench.terminal import Cell, Head, paragraph, screen_of, table

__all__ = [
    "command",
    "debugging",
    "finish",
    "note",
    "print_facts",
    "print_json",
    "print_table",
    "run_with",
    "say",
    "say_page",
    "say_paragraph",
    "tracebacks",
    "words_of_command",
    "written_table",
]

_debug: ContextVar[bool] = ContextVar("whether tracebacks are shown", default=False)


def debugging() -> bool:
    """Tell whether tracebacks are shown."""
    return _debug.get()


@contextmanager
def tracebacks(shown: bool) -> Iterator[None]:
    """Show tracebacks in the block, or do not."""
    token = _debug.set(shown)
    try:
        yield
    finally:
        _debug.reset(token)


_LARGE, _HUGE = 9999.5, 1e15
"""From where four digits do not do, and from where all of them are too many."""
_words: ContextVar[tuple[str, ...] | None] = ContextVar("the words of the command that runs", default=None)


@contextmanager
def run_with(words: Sequence[str]) -> Iterator[None]:
    """Say in the block with which words, without the program's name, the command was called."""
    token = _words.set(tuple(words))
    try:
        yield
    finally:
        _words.reset(token)


def words_of_command() -> tuple[str, ...]:
    """Return the words the command was called with, without the program's name."""
    told = _words.get()
    return tuple(sys.argv[1:]) if told is None else told


def note(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def command(*words: object) -> str:
    """Write a command that can be pasted into a shell, whatever signs a path holds.

    Examples
    --------
    >>> command("data", "show", "my city")
    "urbanbench data show 'my city'"
    >>> command("leaderboard", Path("-results"))
    'urbanbench leaderboard ./-results'
    """
    plain = [
        f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in words
    ]
    return shlex.join(["urbanbench", *plain])


def say(text: object) -> None:
    """Write a line to stdout.

    Raises
    ------
    CannotWrite
        Stdout is a file on a full disk, or cannot be written for another reason.
    BrokenPipeError
        Nobody reads on.
    """
    try:
        sys.stdout.write(f"{text}\n")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _full(error) from error


def say_page(text: str) -> None:
    """Write an HTML page to stdout: it says that it is UTF-8, so a stream of another encoding gets ASCII with references."""
    utf8 = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    say(text if utf8 and holds(sys.stdout, text) else text.encode("ascii", "xmlcharrefreplace").decode())


def finish() -> int:
    """Write out what stdout still holds, and return the exit code of that: 0, or 1 where nobody reads on.

    Raises
    ------
    CannotWrite
        As `say`.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        return 1
    except OSError as error:
        raise _full(error) from error
    return 0


def _full(error: OSError) -> CannotWrite:
    _drop_stdout()
    return CannotWrite("stdout", error, "send it to a terminal, a pipe or a file with room")


def _drop_stdout() -> None:
    """Send what stdout still holds nowhere: Python writes it out when it ends, and would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: Any) -> None:
    """Write a JSON document to stdout; its letters as numbers where the stream cannot hold them."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    say(text if holds(sys.stdout, text) else json.dumps(value, indent=1, default=str))


def print_table(rows: Iterable[Sequence[object]], heads: Sequence[str]) -> None:
    """Write rows to stdout in columns under their heads; wide cells are folded where the screen is narrow."""
    say(written_table(rows, heads))


def written_table(rows: Iterable[Sequence[object]], heads: Sequence[str]) -> str:
    """Return what `print_table` writes; a column whose every entry is a number stands on the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    numbers = [all(_is_number(row[k]) for row in texts) and bool(texts) for k in range(len(heads))]
    columns = [Head(head, number) for head, number in zip(heads, numbers, strict=True)]
    return table(columns, [[Cell(text) for text in row] for row in texts], screen_of())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text
    return True


def say_paragraph(text: str, *, first: str = "", then: str | None = None) -> None:
    """Write a text to stdout in lines that fit the screen."""
    say(paragraph(text, screen_of(), first=first, then=then))


def print_facts(facts: Mapping[str, Any], indent: int = 0) -> None:
    """Write nested facts as ``name  value`` lines that fit the screen; empty ones are left out."""
    width = max((len(str(name)) for name in facts), default=0)
    margin = " " * indent
    for name, value in facts.items():
        if isinstance(value, Mapping):
            if value:
                say(f"{margin}{name}:")
                print_facts(value, indent + 2)
        elif isinstance(value, list | tuple) and any(len(str(one)) > 40 for one in value):
            say(f"{margin}{name}:")
            for one in value:
                say_paragraph(str(one), first=f"{margin}  - ")
        elif value not in (None, "", (), []):
            say_paragraph(_plain(value), first=f"{margin}{str(name).ljust(width)}  ")


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    """Write a number with four digits that count, and one too large for that whole: 0.3333, 784.8, 20,000."""
    return f"{value:,.0f}" if _LARGE <= abs(value) < _HUGE else f"{value:.4g}"
