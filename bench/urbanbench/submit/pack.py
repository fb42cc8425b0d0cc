"""A results folder as one file, after every row in it was judged."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import replacing
from urbanbench.city.packing.contents import Packed
from urbanbench.city.packing.names import Names
from urbanbench.city.packing.pack import sink
from urbanbench.city.packing.written import hashed
from urbanbench.errors import BadInput, DataMissing, SubmissionFaults
from urbanbench.hashing import sha256_of
from urbanbench.predictions import tested_by
from urbanbench.progress import tracking
from urbanbench.registry import is_path, source_path
from urbanbench.result import OK
from urbanbench.store import predictions_beside
from urbanbench.submit.absent import absent_plugins
from urbanbench.submit.listing import LIST_FILE, PLUGINS, RESULTS, Listing
from urbanbench.submit.rules import brief, faults_of, row_facts
from urbanbench.submit.truth import with_truth
from urbanbench.verify.judge import judge, strangers

if TYPE_CHECKING:
    from urbanbench.verify.again import Elsewhere
    from urbanbench.verify.judge import Verdict

__all__ = ["Submission", "submit"]

SUFFIX = ".zip"


@dataclass(frozen=True)
class Submission:
    """A written submission.

    Parameters
    ----------
    file, sha256
        The archive and its hash.
    listing
        What it holds.
    notes
        What was left out, and what could not be told here.
    """

    file: Path
    sha256: str
    listing: Listing
    notes: tuple[str, ...]


def submit(folder: Path, out: Path, elsewhere: Elsewhere) -> Submission:
    """Judge every row of a results folder, and pack them with their predictions and the files of the plugins that made them.

    Scores are computed again from the predictions, and versions and data compared with today's. Nothing is trained.

    Parameters
    ----------
    folder
        A results folder.
    out
        The new file, ``.zip``.
    elsewhere
        Where plugins and cities lie that no registry knows; files of models and tasks named here are packed too.

    Raises
    ------
    SubmissionFaults
        Rows that do not hold, or lack what they need; all of them at once.
    DataMissing
        No such folder, or no finished result in it.
    BadInput
        The file exists or has another suffix.
    """
    _check_out(folder, out)
    verdicts = _judged(folder, elsewhere)
    results = [one.result for one in verdicts if one.result is not None]
    faults = [
        *absent_plugins(folder, results, elsewhere),
        *(fault for one in verdicts for fault in faults_of(one)),
    ]
    if faults:
        raise SubmissionFaults(str(folder), faults)
    places = _places(folder, verdicts) | _plugins(elsewhere)
    names = Names(out.name)
    files = {names.add(name): hashed(path) for name, path in sorted(places.items())}
    listing = Listing(files, [row_facts(one) for one in verdicts])
    _write(out, listing, places)
    return Submission(out, sha256_of(out), listing, tuple(_notes(folder, verdicts)))


def _check_out(folder: Path, out: Path) -> None:
    if out.suffix != SUFFIX:
        msg = f"-o got {out.name!r}. Expected a name that ends with {SUFFIX}."
        raise BadInput(msg)
    if os.path.lexists(out):
        msg = f"The file {str(out)!r} exists. Expected a new one. Choose another -o or remove it."
        raise BadInput(msg)
    if not folder.is_dir():
        msg = f"No results folder {str(folder)!r}. Expected one that `urbanbench run` wrote. Check the path."
        raise DataMissing(msg)


def _judged(folder: Path, elsewhere: Elsewhere) -> list[Verdict]:
    from urbanbench.run.workbench import Workbench

    bench = Workbench(cache=None)
    paths = sorted(folder.glob("*/*/*__*.json"))
    with tracking("judge rows", len(paths)) as bar:
        verdicts = []
        for path in paths:
            verdicts.append(with_truth(judge(path, folder, elsewhere, bench), elsewhere, bench))
            bar.advance()
    if not any(one.result is not None and one.result.status == OK for one in verdicts):
        msg = f"No finished result in {str(folder)!r}. Expected some that `urbanbench run` wrote. Run something first: urbanbench run -m MODEL -t TASK -c CITY"
        raise DataMissing(msg)
    return verdicts


def _places(folder: Path, verdicts: Iterable[Verdict]) -> dict[str, Path]:
    """Return the files of rows by their paths in the archive."""
    found: dict[str, Path] = {}
    for one in verdicts:
        path = folder / one.file
        beside = [predictions_beside(path)] if one.result is not None and one.result.status == OK else []
        tested = [file for predictions in beside if (file := tested_by(predictions)) is not None]
        for file in [path, *beside, *tested]:
            found[f"{RESULTS}/{file.relative_to(folder).as_posix()}"] = file
    return found


def _plugins(elsewhere: Elsewhere) -> dict[str, Path]:
    """Return the files of plugins that were named; of a city only what builds it."""
    named: Sequence[Mapping[str, str]] = (elsewhere.models, elsewhere.tasks, elsewhere.cities)
    words = [source_path(word) or word for listed in named for word in listed.values()]
    files = [Path(word).expanduser() for word in words if is_path(str(word))]
    return {f"{PLUGINS}/{file.name}": file for file in files if file.suffix == ".py"}


def _write(out: Path, listing: Listing, places: Mapping[str, Path]) -> None:
    listed = listing.write()
    with replacing(out) as part, sink(out, part) as target:
        target.add(LIST_FILE, len(listed), io.BytesIO(listed))
        for name, packed in listing.files.items():
            with places[name].open("rb") as stream:
                target.add(name, packed.size, stream)
            _check_unchanged(places[name], packed)


def _check_unchanged(path: Path, packed: Packed) -> None:
    if hashed(path) != packed:
        msg = f"{path} changed while it was packed. Expected a folder that no run writes to. Submit it again."
        raise BadInput(msg)


def _notes(folder: Path, verdicts: Sequence[Verdict]) -> list[str]:
    told: dict[str, Any] = {}
    for one in verdicts:
        for reason in (*one.unchecked, *(one.reasons if one.state != "holds" else ())):
            told.setdefault(reason, []).append(one.file)
    notes = [
        f"Not told for {len(files)} of {len(verdicts)} rows: {brief(reason)}"
        for reason, files in told.items()
    ]
    return notes + [f"Left out: {one.file} ({'; '.join(one.reasons)})" for one in strangers(folder)]
