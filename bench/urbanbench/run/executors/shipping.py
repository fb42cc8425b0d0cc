"""What of a cell only this machine has: city folders, plugins' files, vectors and splits, each packed once and known by its hash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from urbanbench.city.packing.pack import pack, sink
from urbanbench.hashing import sha256_of
from urbanbench.registry import city_folder, city_path, file_of, is_path, is_source_file, known_folders
from urbanbench.registry.own_code import files_beside, package_of
from urbanbench.run.executors.errand import Shipment
from urbanbench.run.order import Order
from urbanbench.scoring.split import PREFIX, is_split_file

__all__ = ["Shipping"]

_LEFT_OUT = frozenset({"__pycache__"})


class Shipping:
    """Archives that were packed for cells.

    Parameters
    ----------
    folder
        Where they are written; whoever asks removes it in the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archives: dict[str, Path] = {}
        self._cities: dict[Path, str] = {}
        self._files: dict[tuple[Path, str], str] = {}

    def of(self, order: Order) -> list[Shipment]:
        """Return what has to arrive before a cell can be done elsewhere; nothing for registered names that urbanbench brings.

        Raises
        ------
        CityFaults, BadInput, CannotWrite
            A city folder that has faults or holds what cannot be packed; no room for the archive.
        """
        spec = order.spec
        found = [self._city("city", spec.city, order.cell.city)]
        if spec.train_city:
            found.append(self._city("train_city", spec.train_city, order.cell.train_city))
        found += [
            self._file(name, word, file)
            for name, word, file in (
                ("model", spec.model, order.source),
                ("task", spec.task, file_of(order.task)),
            )
        ]
        if is_split_file(spec.split):
            path = spec.split.removeprefix(PREFIX)
            split = self._file("split", path, Path(path))
            found.append(None if split is None else replace(split, prefix=PREFIX))
        return [one for one in found if one is not None]

    def _city(self, field: str, word: str, name: str) -> Shipment | None:
        """Pack a city folder; it goes by its name in results there, under which a folder of URBANBENCH_DATA is found."""
        if city_path(word) is None and word not in known_folders() and not is_source_file(word):
            return None
        folder = city_folder(word).resolve()
        if folder not in self._cities:
            self._cities[folder] = self._keep(pack(folder, self._new()).file)
        return Shipment(field, self._cities[folder], name, city=True, origin=str(folder))

    def _file(self, field: str, word: str, file: Path) -> Shipment | None:
        """Pack a file with what belongs to it."""
        if not is_path(word):
            return None
        file = file.resolve()
        package = package_of(file) if file.suffix == ".py" else None
        root, name = (file.parent, Path(word).name) if package is None else (package.parent, "")
        told = name or file.relative_to(root).as_posix()
        if (file, told) not in self._files:
            belong = files_beside(file) if file.suffix == ".py" else ()
            files = {path.relative_to(root).as_posix(): path for path in belong if _wanted(path, root)}
            self._files[file, told] = self._packed(files | {told: file})
        return Shipment(field, self._files[file, told], told, origin=str(root))

    def _packed(self, files: Mapping[str, Path]) -> str:
        out = self._new()
        with sink(out, out) as target:
            for name, path in sorted(files.items()):
                with path.open("rb") as stream:
                    target.add(name, path.stat().st_size, stream)
        return self._keep(out)

    def _new(self) -> Path:
        return self.folder / f"{len(list(self.folder.iterdir()))}.tar.zst"

    def _keep(self, archive: Path) -> str:
        digest = sha256_of(archive)
        self.archives.setdefault(digest, archive)
        return digest


def _wanted(path: Path, root: Path) -> bool:
    parts: Iterable[str] = path.relative_to(root).parts
    return not any(part.startswith(".") or part in _LEFT_OUT for part in parts)
