"""All files of a recipe in one folder: those that are there compared, the others fetched, and a reason for each that is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from urbanbench.build.fetch.answers import named_by_answer
from urbanbench.build.fetch.download import Resuming
from urbanbench.build.fetch.keys import asks_for, key_of, secret_headers
from urbanbench.build.fetch.lock import Lock, Noted, today
from urbanbench.build.fetch.recipe import Recipe, Source
from urbanbench.build.fetch.verified import published_hash, verified
from urbanbench.build.fetch.web import NoAnswer, Patience, Refused, reader
from urbanbench.city.folder.limits import MIB
from urbanbench.errors import BadInput, DataCorrupt
from urbanbench.hashing import sha256_of
from urbanbench.locks import locked
from urbanbench.progress import note, pulse, tracking

__all__ = ["Gathered", "gather"]

_BY_HAND = "has to be fetched by hand"


@dataclass
class Gathered:
    """What is there and what is not.

    Parameters
    ----------
    paths
        Files by name.
    missing
        Files that are wanted and not there, and why.
    """

    paths: dict[str, Path] = field(default_factory=dict)
    missing: list[tuple[Source, str]] = field(default_factory=list)


def gather(
    recipe: Recipe, folder: Path, wanted: Sequence[Source], *, web: bool, patience: Patience
) -> Gathered:
    """Bring the files of a recipe together.

    Parameters
    ----------
    recipe, wanted
        The recipe, and those of its files that have to be there; others are taken where they are.
    folder
        Where the files are kept.
    web
        Whether files are fetched; without it nothing is written either.
    patience
        How long servers are waited for.

    Raises
    ------
    DataCorrupt
        A file that is there has other bytes than the recipe or an earlier fetch says.
    CannotWrite
        The disk has no room.
    BadInput
        Another command fetches into this folder now.
    ExtraMissing
        The extra `fetch` is not installed.
    """
    if not web:
        return _found(recipe, folder, wanted, Lock(folder), write=False)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        lock = Lock(folder)
        found = _found(recipe, folder, wanted, lock, write=True)
        if found.missing:
            _fetch_missing(folder, found, lock, patience)
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with locked(folder / ".fetch.lock", wait=False, mend="name another folder with --files") as held:
        if held:
            yield
            return
        msg = f"Another command fetches into {str(folder)!r} now. Expected one at a time. Wait for it, or name another folder with --files."
        raise BadInput(msg)


def _found(recipe: Recipe, folder: Path, wanted: Sequence[Source], lock: Lock, *, write: bool) -> Gathered:
    found = Gathered()
    for source in recipe.sources:
        path = folder / source.name
        if path.is_file():
            noted = verified(source, path, lock.get(source.name))
            if write and lock.get(source.name) is None:
                lock.note(source.name, noted)
            found.paths[source.name] = path
        elif source in wanted:
            found.missing.append((source, "is not there" if source.addresses else _BY_HAND))
    return found


def _fetch_missing(folder: Path, found: Gathered, lock: Lock, patience: Patience) -> None:
    """Fetch what is missing; a host that does not answer is asked once."""
    still: list[tuple[Source, str]] = []
    silent: dict[str, str] = {}
    for source, why in found.missing:
        reason = why
        if source.key is not None and not key_of(source.key):
            reason = asks_for(source.key)
        elif source.addresses:
            reason = _fetch(source, folder, lock, patience, silent)
        if reason:
            still.append((source, reason))
        else:
            found.paths[source.name] = folder / source.name
    found.missing = still


def _fetch(source: Source, folder: Path, lock: Lock, patience: Patience, silent: dict[str, str]) -> str:
    """Fetch a file from the first of its addresses that gives it; "" or why none did."""
    reasons = []
    for address in source.addresses:
        host = urlsplit(address).netloc
        if host in silent:
            reasons.append(silent[host])
            continue
        try:
            noted = _fetch_from(source, address, folder, patience)
        except NoAnswer as error:
            silent[host] = str(error)
            reasons.append(str(error))
        except (Refused, DataCorrupt) as error:
            reasons.append(str(error))
        else:
            lock.note(source.name, noted)
            note(f"Fetched {source.name}: {noted.size:,} bytes, sha256 {noted.sha256}")
            return ""
    return "; ".join(dict.fromkeys(reasons))


def _fetch_from(source: Source, address: str, folder: Path, patience: Patience) -> Noted:
    session = reader()
    expected, checked = published_hash(source, session, patience)
    url = named_by_answer(session, address, source.answer, patience) if source.answer else address
    secret = secret_headers(source.key)
    with pulse(f"fetch {source.name}"), tracking("MiB", source.size / MIB) as bar:
        part = Resuming(
            source, folder, address, session, patience, secret, lambda count: bar.advance(count / MIB)
        )
        _retrieve(source, url, expected, folder, part)
    path = folder / source.name
    path.chmod(0o644)
    noted = Noted(
        sha256_of(path), path.stat().st_size, address, today(), part.modified(), checked if expected else ""
    )
    part.forget()
    return noted


def _retrieve(source: Source, url: str, expected: str | None, folder: Path, part: Resuming) -> None:
    """Let pooch fetch and compare the file, in a folder where a killed command's leftovers are its own; what has another hash is kept aside."""
    import pooch

    own = folder / ".fetching"
    shutil.rmtree(own, ignore_errors=True)
    try:
        pooch.retrieve(url, known_hash=expected, fname=source.name, path=own, downloader=part)
        (own / source.name).replace(folder / source.name)
    except ValueError as error:
        if not part.part.is_file():
            raise  # not what pooch says of a hash
        aside = part.part.with_name(f"{source.name}.wrong")
        found = sha256_of(part.part)
        part.part.replace(aside)
        part.forget()
        msg = f"it has the sha256 {found} where {expected} was expected, so it was not taken and is kept as {aside.name}; the publisher may have changed it, see {source.page}"
        raise DataCorrupt(msg) from error
    finally:
        shutil.rmtree(own, ignore_errors=True)
