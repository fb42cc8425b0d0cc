"""Fixed splits as files: the ids on each side for every seed, so that others can score on exactly these units."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from urbanbench.atomic import write_text
from urbanbench.errors import BadInput, DataMissing, quoted
from urbanbench.hashing import array_digest
from urbanbench.scoring.split import SAME_TEST_UNITS, Split

if TYPE_CHECKING:
    from urbanbench.scoring.targets import Targets

__all__ = ["SplitFile", "sides_digest"]

_FORMAT = 1
_SIDES = ("train", "val", "test")
_LEFT_OUT = "left_out"
_MOST_BYTES = 2**30

Sides = Mapping[str, tuple[str, ...]]
"""Unit ids by "train", "val" and "test"; "left_out" where a split leaves units out."""


def sides_digest(splits: Sequence[Sequence[np.ndarray]]) -> str:
    """Hash the ids on the sides of splits; each split has the ids of train, validation and test, in any order."""
    return array_digest(*[np.sort(np.asarray(side, dtype=np.str_)) for split in splits for side in split])


@dataclass(frozen=True)
class SplitFile:
    """Splits by unit ids.

    Parameters
    ----------
    facts
        What they were made for: city, task, label, level, split, and whatever else is told.
    sides
        Seed to the ids of each side, sorted.

    Raises
    ------
    BadInput
        A side that is empty, an id on two sides, or seeds that do not place the same units.
    """

    facts: Mapping[str, Any]
    sides: Mapping[int, Sides]

    def __post_init__(self) -> None:
        if not self.sides:
            msg = "The splits have no seed. Expected one at least."
            raise BadInput(msg)
        whole: set[str] | None = None
        for seed, sides in self.sides.items():
            units = [one for side in (*_SIDES, _LEFT_OUT) for one in sides.get(side, ())]
            if not all(sides[side] for side in _SIDES) or len(set(units)) != len(units):
                msg = f"The split of seed {seed} has an empty side or a unit on two sides. Expected train, val and test, each unit once."
                raise BadInput(msg)
            if whole is not None and set(units) != whole:
                msg = f"The split of seed {seed} places other units than those before it ({quoted(sorted(whole ^ set(units)))}). Expected the same for all seeds."
                raise BadInput(msg)
            whole = set(units)

    @classmethod
    def of(cls, targets: Targets, seeds: Sequence[int], splits: Sequence[Split], **facts: Any) -> Self:
        """Name the units of splits of targets."""
        ids = targets.ids
        sides = {
            seed: {side: tuple(sorted(ids[rows].tolist())) for side, rows in _rows(targets, split).items()}
            for seed, split in zip(seeds, splits, strict=True)
        }
        return cls(facts, sides)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in the order of the file."""
        return tuple(self.sides)

    @property
    def same_test_units(self) -> bool:
        """Whether there are several seeds and all of them test the same units, so that their scores say nothing of other units."""
        return len(self.sides) > 1 and len({frozenset(sides["test"]) for sides in self.sides.values()}) == 1

    @property
    def digest(self) -> str:
        """Hash of all sides; that of `split_digest` in results scored on them."""
        return sides_digest([_arrays(sides) for sides in self.sides.values()])

    def splits(self, targets: Targets, seeds: Sequence[int]) -> list[Split]:
        """Return the splits of some seeds as rows of targets.

        Raises
        ------
        BadInput
            A seed that the file has not, or units that are not those of the targets.
        """
        strange = [seed for seed in seeds if seed not in self.sides]
        if strange:
            msg = (
                f"The file of splits has no seed {strange[0]}. Its seeds: {', '.join(map(str, self.seeds))}."
            )
            raise BadInput(msg)
        row_of = {one: row for row, one in enumerate(targets.ids.tolist())}
        placed = {one for side in self.sides[self.seeds[0]].values() for one in side}
        differing = sorted(placed ^ set(row_of))
        if differing:
            msg = f"The file of splits places {len(placed)} units, and the label has {len(row_of)}; {len(differing)} stand in one only ({quoted(differing)}). Expected splits of this label of this city. Mend: export them anew."
            raise BadInput(msg)
        return [self._split(seed, row_of) for seed in seeds]

    def _split(self, seed: int, row_of: Mapping[str, int]) -> Split:
        train, val, test = (np.sort([row_of[one] for one in self.sides[seed][side]]) for side in _SIDES)
        return Split(train, val, test, {SAME_TEST_UNITS: 1} if self.same_test_units else {})

    def write(self, path: Path) -> None:
        """Write JSON: the facts, a digest of all and of each seed, and the ids."""
        seeds = [
            {
                "seed": seed,
                "digest": sides_digest([_arrays(sides)]),
                **{side: list(ids) for side, ids in sides.items()},
            }
            for seed, sides in self.sides.items()
        ]
        content = {"format": _FORMAT, "kind": "splits", **self.facts, "digest": self.digest, "seeds": seeds}
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> SplitFile:
        """Read what `write` wrote, or another tool: `digest` may be left out, and is checked where it stands.

        Raises
        ------
        DataMissing
            No such file.
        BadInput
            No JSON of splits, or ids that are not those of its digests.
        """
        if not path.is_file():
            msg = f"No file of splits {str(path)!r}. Expected what `urbanbench splits export` writes."
            raise DataMissing(msg)
        return _read(path.absolute(), path.stat().st_mtime_ns)


@cache
def _read(path: Path, _mtime_ns: int) -> SplitFile:
    if path.stat().st_size > _MOST_BYTES:
        msg = f"{path.name}: expected a file of splits, found one of {path.stat().st_size:,} bytes."
        raise BadInput(msg)
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
        listed = {int(one["seed"]): one for one in raw["seeds"]}
        sides = {
            seed: {
                side: tuple(sorted(_ids(one[side])))
                for side in (*_SIDES, _LEFT_OUT)
                if side in one or side in _SIDES
            }
            for seed, one in listed.items()
        }
        told = {seed: one.get("digest") for seed, one in listed.items()}
        facts = {key: value for key, value in raw.items() if key not in {"format", "kind", "digest", "seeds"}}
        many, whole = len(raw["seeds"]), raw.get("digest")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f'{path.name}: expected JSON such as {{"seeds": [{{"seed": 0, "train": ["id", …], "val": […], "test": […]}}]}}, found a fault ({type(error).__name__}: {str(error)[:80]}).'
        raise BadInput(msg) from error
    if many != len(sides):
        msg = f"{path.name}: expected every seed once, found one twice."
        raise BadInput(msg)
    found = SplitFile(facts, sides)
    false = [
        f"seed {seed}"
        for seed, digest in told.items()
        if digest not in {None, sides_digest([_arrays(sides[seed])])}
    ]
    if false or whole not in {None, found.digest}:
        msg = f"{path.name}: expected the units that its digests are of, found others ({quoted(false or ['all seeds'])}). Mend: fetch the file again."
        raise BadInput(msg)
    return found


def _ids(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        msg = "ids have to be a list of text"
        raise TypeError(msg)
    return values


def _rows(targets: Targets, split: Split) -> dict[str, np.ndarray]:
    """Return the rows of each side, and of what is left out where anything is."""
    rows = {side: getattr(split, side) for side in _SIDES}
    rest = np.setdiff1d(np.arange(len(targets)), np.concatenate(list(rows.values())))
    return rows | ({_LEFT_OUT: rest} if len(rest) else {})


def _arrays(sides: Sides) -> list[np.ndarray]:
    return [np.array(sides[side], dtype=np.str_) for side in _SIDES]
