"""Questions that somebody wrote into files, an object a line: read, and everything that is wrong with them said with file and line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanbench.city.folder.paths import NO_FILE, path_fault
from urbanbench.errors import BadInput, DataMissing, quoted

__all__ = ["CANDIDATES", "LESSONS_FILE", "QUERIES", "Record", "Written", "read_written"]

QUERIES, CANDIDATES, LESSONS_FILE = "queries.jsonl", "candidates.jsonl", "lessons.jsonl"

_TEXTS: Mapping[str, tuple[str, ...]] = {
    QUERIES: ("id", "text", "image", "positive"),
    CANDIDATES: ("id", "text", "image", "group", "likeness"),
    LESSONS_FILE: ("image", "text", "answer"),
}
_LISTS: Mapping[str, tuple[str, ...]] = {
    QUERIES: ("candidates", "also_right"),
    CANDIDATES: (),
    LESSONS_FILE: (),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    QUERIES: ("id", "positive"),
    CANDIDATES: ("id",),
    LESSONS_FILE: ("image", "answer"),
}
_LONGEST = 1 << 20
"""Letters of a line."""


@dataclass(frozen=True)
class Record:
    """One line of a file.

    Parameters
    ----------
    file, line
        Where it stands.
    texts
        Its words, "" where it has none: those of `queries.jsonl` are id, text, image and positive.
    lists
        Ids that it names: candidates and also_right of a query, empty where it names none.
    """

    file: str
    line: int
    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")

    def wrong(self, found: str, mend: str = "") -> BadInput:
        """Return the error that says what is wrong with this line."""
        return BadInput(f"{self.file}, line {self.line}: {found}{f' Mend: {mend}' if mend else ''}")


@dataclass(frozen=True)
class Written:
    """Queries and candidates by id, and lessons."""

    queries: Mapping[str, Record]
    candidates: Mapping[str, Record]
    lessons: tuple[Record, ...]


def read_written(folder: Path) -> Written:
    """Read ``queries.jsonl``, ``candidates.jsonl`` and, where it is there, ``lessons.jsonl``.

    Raises
    ------
    DataMissing
        A file is not there, or a link that leads out of the folder.
    BadInput
        The first line that is no object in UTF-8, has a field that nobody knows, lacks one, or names a candidate that is not there.
    """
    queries = _by_id(_records(folder, QUERIES))
    candidates = _by_id(_records(folder, CANDIDATES))
    lessons = () if path_fault(folder, LESSONS_FILE) == NO_FILE else tuple(_records(folder, LESSONS_FILE))
    for name, some in ((QUERIES, queries), (CANDIDATES, candidates)):
        if not some:
            msg = f"{name} has no line. Expected one at least, an object such as {_example(name)}."
            raise BadInput(msg)
    for one in queries.values():
        _check_names(one, candidates)
    return Written(queries, candidates, lessons)


def _records(folder: Path, file: str) -> Iterator[Record]:
    fault = path_fault(folder, file)
    if fault:
        msg = f"No {file} in {str(folder)!r} (found {fault}). Expected a file with an object a line, such as {_example(file)}."
        raise DataMissing(msg)
    with (folder / file).open("rb") as stream:
        number = 0
        while line := stream.readline(_LONGEST):
            number += 1
            if line.strip():
                yield _record(file, number, line)


def _record(file: str, number: int, line: bytes) -> Record:
    at = Record(file, number, {}, {})
    if len(line) == _LONGEST:
        msg = f"expected an object of fewer than {_LONGEST:,} letters, found more."
        raise at.wrong(msg)
    try:
        told = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        mend = f"iconv -f ENCODING -t UTF-8 {file}"
        raise at.wrong("expected UTF-8, found other bytes.", mend) from None
    except (ValueError, RecursionError) as error:
        msg = f"expected an object such as {_example(file)}, found none ({error})."
        raise at.wrong(msg) from None
    if not isinstance(told, dict):
        msg = f"expected an object such as {_example(file)}, found {type(told).__name__}."
        raise at.wrong(msg)
    return _checked(at, told)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        msg = "a field twice"
        raise ValueError(msg)
    return dict(pairs)


def _checked(at: Record, told: Mapping[str, Any]) -> Record:
    """Return a record whose fields are known and of the right kind."""
    texts, lists = _TEXTS[at.file], _LISTS[at.file]
    strange = sorted(set(told) - {*texts, *lists})
    if strange:
        msg = f"expected fields {', '.join((*texts, *lists))}, found {quoted(strange)}."
        raise at.wrong(msg)
    for name in texts:
        value = told.get(name, "")
        if not isinstance(value, str) or (name in told and not value.strip()):
            msg = f"expected a text as {name!r}, found {value!r:.60}."
            raise at.wrong(msg, "leave out what is empty")
    lacking = [name for name in _NEEDED[at.file] if name not in told]
    if lacking:
        msg = f"expected {' and '.join(map(repr, lacking))}, found an object without."
        raise at.wrong(msg)
    for name in lists:
        _check_list(at, name, told)
    if at.file != LESSONS_FILE and not {"text", "image"} & set(told):
        raise at.wrong("expected a 'text', an 'image' or both, found neither.")
    return Record(
        at.file,
        at.line,
        {name: str(told[name]).strip() for name in texts if name in told},
        {name: tuple(told.get(name, ())) for name in lists},
    )


def _check_list(at: Record, name: str, told: Mapping[str, Any]) -> None:
    value = told.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        msg = f"expected ids of {CANDIDATES} as {name!r}, found {value!r:.60}."
        raise at.wrong(msg)
    if name in told and not value:
        msg = f"{name!r} is empty. Expected ids of {CANDIDATES}."
        raise at.wrong(msg, f"leave {name!r} out")
    if len(set(value)) < len(value):
        msg = f"{name!r} names {quoted(sorted({one for one in value if value.count(one) > 1}))} twice. Expected each once."
        raise at.wrong(msg)


def _by_id(records: Iterator[Record]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for one in records:
        first = found.setdefault(one["id"], one)
        if first is not one:
            msg = f"id {one['id']!r} stands in line {first.line}, too. Expected each once."
            raise one.wrong(msg)
    return found


def _check_names(query: Record, candidates: Collection[str]) -> None:
    """Refuse a query that names candidates which are not there, or whose own list lacks the right one."""
    named = [query["positive"], *query.lists["candidates"], *query.lists["also_right"]]
    strange = sorted(set(named) - set(candidates))
    if strange:
        msg = f"{quoted(strange)} is no id in {CANDIDATES}. Expected one of its {len(candidates)}."
        raise query.wrong(msg)
    own = query.lists["candidates"]
    if own and query["positive"] not in own:
        msg = f"'candidates' lacks the right one, {query['positive']!r}. Expected it among them."
        raise query.wrong(msg)


def _example(file: str) -> str:
    examples = {
        QUERIES: '{"id": "q1", "image": "v1", "text": "What is sold here?", "positive": "c1"}',
        CANDIDATES: '{"id": "c1", "text": "bread"}',
        LESSONS_FILE: '{"image": "v2", "text": "What is sold here?", "answer": "flowers"}',
    }
    return examples[file]
