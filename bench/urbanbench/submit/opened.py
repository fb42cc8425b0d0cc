"""A submission of somebody opened without trust: nothing of it is run, and nothing in it leads out of its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.city.folder.limits import MAX_JSON_BYTES, MIB
from urbanbench.city.folder.parquet import FaultyTable, read_table
from urbanbench.city.packing.reading import Member, members
from urbanbench.city.packing.written import write_new
from urbanbench.counted import counted
from urbanbench.errors import DataCorrupt, DataMissing
from urbanbench.store import ResultStore
from urbanbench.submit.listing import LIST_FILE, PLUGINS, RESULTS, Listing, read_listing
from urbanbench.submit.rules import faults_of, odd_words, unknown_here
from urbanbench.submit.truth import with_truth
from urbanbench.verify.again import Elsewhere
from urbanbench.verify.judge import DAMAGED, Verdict, judge, judge_alone, strangers

if TYPE_CHECKING:
    from urbanbench.run.workbench import Workbench

__all__ = ["Opened", "open_submission"]


@dataclass(frozen=True)
class Opened:
    """What was found in a submission.

    Parameters
    ----------
    folder
        Where it was unpacked.
    listing
        What it says that it holds.
    verdicts
        What is to be said of each row.
    faults
        Why it cannot be taken, one sentence each; () where it can.
    """

    folder: Path
    listing: Listing
    verdicts: tuple[Verdict, ...]
    faults: tuple[str, ...]

    @property
    def plugins(self) -> list[str]:
        """Files of plugins that came along; they are to be read before they are run."""
        return [path for path in self.listing.files if path.startswith(f"{PLUGINS}/")]


def open_submission(file: Path, folder: Path, elsewhere: Elsewhere | None = None) -> Opened:
    """Unpack a submission and judge its rows by what this machine knows.

    Paths, sizes and hashes are those of its list or it is refused as a whole. Tables are read within limits. No plugin that came along is
    imported; rows of models that are not registered here are judged by their predictions alone.

    Parameters
    ----------
    file
        What `urbanbench.submit.pack.submit` wrote, from anybody.
    folder
        Where to unpack it; empty or not there yet.
    elsewhere
        Where plugins, cities and files of splits lie on this machine that no registry knows. A plugin is run where it is named here, never as it came along.

    Raises
    ------
    DataMissing
        No such file.
    DataCorrupt
        It is damaged, or holds what no submission does.
    """
    from urbanbench.run.workbench import Workbench

    if not file.is_file():
        msg = f"No file {str(file)!r}. Expected a submission, as `urbanbench submit RESULTS -o FILE.zip` writes it. Check the path."
        raise DataMissing(msg)
    listing = _unpacked(file, folder)
    results, bench, known = folder / RESULTS, Workbench(cache=None), elsewhere or Elsewhere()
    rows = sorted(results.glob("*/*/*__*.json"))
    faults = list(_faulty_files(folder, listing))
    verdicts = [] if faults else [_judged(path, results, known, bench) for path in rows]
    faults += [fault for one in verdicts for fault in faults_of(one)]
    faults += [f"{one.file}: {'; '.join(one.reasons)}" for one in strangers(results)]
    if not faults:
        faults += _other_rows(listing, verdicts)
    return Opened(folder, listing, tuple(verdicts), tuple(faults))


def _unpacked(file: Path, folder: Path) -> Listing:
    found = members(file)
    try:
        listing = _list(file.name, found)
        seen = []
        for member in found:
            packed = listing.files.get(member.name)
            if packed is None:
                msg = f"{file.name} holds {member.name[:100]!r}, which its list {LIST_FILE} does not have. Expected the listed files alone."
                raise DataCorrupt(msg)
            if write_new(folder / member.name, member.chunks()) != packed:
                msg = f"{file.name}: {member.name!r} has other bytes than its list says. Expected its sha256 {packed.sha256[:16]}…. Ask for it again."
                raise DataCorrupt(msg)
            seen.append(member.name)
        listing.check_all(file.name, seen)
    finally:
        found.close()
    return listing


def _list(where: str, found: Iterator[Member]) -> Listing:
    first = next(found, None)
    if first is None or first.name != LIST_FILE:
        msg = f"{where}: expected {LIST_FILE} as its first file, found {'no file' if first is None else repr(first.name[:100])}. Only what `urbanbench submit` wrote can be checked."
        raise DataCorrupt(msg)
    return read_listing(where, first.chunks())


def _faulty_files(folder: Path, listing: Listing) -> Iterator[str]:
    """Tell which files are no rows or tables, or unfold to more than they may, before anything else reads them."""
    for path in listing.files:
        if path.endswith(".json"):
            yield from _faulty_json(folder, path)
        elif path.endswith(".parquet"):
            try:
                read_table(folder, path, None)
            except FaultyTable as fault:
                yield str(fault)


def _faulty_json(folder: Path, path: str) -> Iterator[str]:
    file = folder / path
    if file.stat().st_size > MAX_JSON_BYTES:
        yield f"{path}: expected at most {MAX_JSON_BYTES // MIB} MiB, found more."
        return
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        yield f"{path}: expected a result, found no JSON ({type(error).__name__})."


def _judged(path: Path, results: Path, elsewhere: Elsewhere, bench: Workbench) -> Verdict:
    """Judge a row; what its words would open or run is not asked."""
    name = path.relative_to(results).as_posix()
    try:
        result = ResultStore.read(path)
    except (DataMissing, RecursionError) as error:
        return Verdict(name, DAMAGED, (str(error),))
    if word := odd_words(result):
        return Verdict(
            name, DAMAGED, (f"{word[:80]!r} is a path; expected the name of something",), result=result
        )
    if why := unknown_here(result):
        return replace(judge_alone(path, results), unchecked=(why,))
    return with_truth(judge(path, results, elsewhere, bench), elsewhere, bench)


def _other_rows(listing: Listing, verdicts: list[Verdict]) -> list[str]:
    said = {str(one.get("run_id")) for one in listing.rows}
    found = {one.result.run_id for one in verdicts if one.result is not None}
    return (
        [
            f"The list names {counted(len(said), 'row')}, {len(said & found)} of them among the {len(found)} that are here."
        ]
        if said != found
        else []
    )
