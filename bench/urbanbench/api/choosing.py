"""Which kept results are asked about: by folder, and by the names of their cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.errors import DataMissing, UnknownName

if TYPE_CHECKING:
    from urbanbench.judging.choosing import Chosen
    from urbanbench.result import RunResult

__all__ = [
    "check_inputs_known",
    "check_known",
    "chosen_results",
    "city_names",
    "fits",
    "inputs_fit",
    "narrowed",
]

_OF_RESULTS = "Names are those of the results at hand."


def chosen_results(
    folder: Path | None,
    *,
    city: Sequence[str],
    found: Sequence[RunResult] | None = None,
    **names: Sequence[str],
) -> list[RunResult]:
    """Return the results of a folder, or of the default ones, whose cells have these names.

    Parameters
    ----------
    folder
        Where they lie; None for the reference rows and the runs of one's own.
    city, **names
        Words for fields of a cell, which may be lists and globs; none takes all.
    found
        Results at hand, in the place of a folder.

    Raises
    ------
    DataMissing
        No such folder, or no result fits.
    """
    from urbanbench.result_folders import some_results

    every = some_results(folder) if found is None else found
    wanted = {**names, "city": city_names(city)}
    kept = [
        one for one in every if all(fits(getattr(one.cell, name), words) for name, words in wanted.items())
    ]
    if not kept:
        place = "the default folders" if folder is None else repr(str(folder))
        where = place if found is None else "what was given"
        msg = f"No result in {where} fits, of {len(every)}. Run something first, or ask for other names."
        raise DataMissing(msg)
    return kept


def city_names(words: Sequence[str]) -> list[str]:
    """Return names and patterns of cities; a path counts for the name its results are kept under."""
    from urbanbench.registry import city_path, cut_cities, plain_name

    return [plain_name("city", word) if city_path(word) else word for word in cut_cities(words)]


def fits(name: str, words: Sequence[str]) -> bool:
    """Tell whether a name is one of the words, which may be lists and globs; without words every name is."""
    patterns = _patterns(words)
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _patterns(words: Sequence[str]) -> list[str]:
    return [part.strip() for word in words for part in word.split(",") if part.strip()]


def inputs_fit(inputs: str, words: Sequence[str]) -> bool:
    """Tell whether a cell's inputs are one of the words, each a set of inputs in any order; without words all are.

    Examples
    --------
    >>> inputs_fit("poi,polygon", ["polygon, poi"]), inputs_fit("poi,polygon", ["poi"])
    (True, False)
    """
    return not words or any(_set_of(inputs) == _set_of(word) for word in words)


def _set_of(inputs: str) -> frozenset[str]:
    return frozenset(_patterns([inputs]))


def check_known(kind: str, words: Sequence[str], known: Iterable[str]) -> None:
    """Refuse a word that no result has.

    Parameters
    ----------
    kind
        What the words name: "model", "head".
    words
        As `fits` takes them.
    known
        The names that results have.

    Raises
    ------
    UnknownName
        A name or pattern that fits none of them.
    """
    there = set(known)
    for pattern in _patterns(words):
        if not any(fnmatchcase(name, pattern) for name in there):
            raise UnknownName(kind, pattern, there, _OF_RESULTS)


def check_inputs_known(words: Sequence[str], known: Iterable[str]) -> None:
    """Refuse a set of inputs that no result has.

    Raises
    ------
    UnknownName
        Naming the set, and those there are.
    """
    there, kind = set(known), "inputs"
    for word in words:
        if not any(inputs_fit(inputs, [word]) for inputs in there):
            raise UnknownName(kind, word, there, _OF_RESULTS)


def narrowed(side: Chosen, wanted: Mapping[str, Sequence[str]]) -> Chosen:
    """Keep the rows asked for of one side of a comparison; a floor's own head goes with every head.

    Parameters
    ----------
    side
        A model's rows.
    wanted
        Fields of a cell and words for them; "protocol" is among them.

    Raises
    ------
    DataMissing
        None is left; the message has what the rows are.
    """
    from urbanbench.scoring.heads import HEADS

    if len(side.rows) > 1 and not wanted["protocol"]:
        wanted = {**wanted, "protocol": ["default"]}

    def keeps(row: RunResult) -> bool:
        own = row.cell.head in HEADS and HEADS[row.cell.head].of_a_floor
        return all(
            fits(getattr(row.cell, name), words) or (name == "head" and own) for name, words in wanted.items()
        )

    kept = tuple(row for row in side.rows if keeps(row))
    if not kept:
        asked = ", ".join(f"--{name} {','.join(words)}" for name, words in wanted.items() if words)
        has = {name: sorted({str(getattr(row.cell, name)) for row in side.rows}) for name in wanted}
        told = "; ".join(f"{name} {', '.join(values)}" for name, values in has.items())
        msg = f"{side.name!r} has no row that fits {asked}. Its rows have {told}."
        raise DataMissing(msg)
    return replace(side, rows=kept)
