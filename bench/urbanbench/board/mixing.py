"""Warnings about rows of one group that may not be comparable: other data, labels, splits, seeds or versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from urbanbench.board.blocks import Group
from urbanbench.board.numbers import span
from urbanbench.board.rows import Row, ordered
from urbanbench.board.versions import OLDER, mixed_versions

__all__ = ["group_warnings"]

_SHOWN_DIGEST = 8
_NUMERIC = ("numpy", "scipy", "scikit-learn", "lightgbm", "torch", "torch_geometric", "torch-geometric")
"""Packages whose version can move a score."""


def group_warnings(group: Group) -> list[str]:
    """Return one sentence per difference in provenance among the scored rows of a group."""
    rows = [row for row in group.rows if row.ok]
    found = [
        _labels(rows),
        _splits(rows),
        *_data(rows),
        _counts(rows),
        _seeds(rows),
        _versions(rows),
        _parts(group),
        _packages(rows),
        _gaps(rows),
    ]
    return [sentence for sentence in found if sentence]


def _sides(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[str]]:
    """Return value -> names of the models that have it; rows without a value stay out."""
    sides: dict[str, list[str]] = {}
    for row in rows:
        if value := key(row):
            sides.setdefault(value, []).append(row.name)
    return dict(sorted(sides.items()))


def _told(sides: Mapping[str, Sequence[str]], *, digest: bool = True) -> str:
    parts = []
    for value, names in sides.items():
        shown = value[:_SHOWN_DIGEST] if digest else value
        parts.append(f"{shown}: {', '.join(sorted(set(names)))}")
    return "; ".join(parts)


def _of(name: str) -> Callable[[Row], str]:
    return lambda row: str(row.provenance.get(name) or "")


def _labels(rows: Sequence[Row]) -> str:
    sides = _sides(rows, _of("targets_digest"))
    return (
        f"Mixed labels: {len(sides)} versions of the targets ({_told(sides)}). Scores across them cannot be compared."
        if len(sides) > 1
        else ""
    )


def _splits(rows: Sequence[Row]) -> str:
    """Compare split digests among rows with equal seeds; other seeds are other splits by design."""
    for seeds in sorted({row.seeds for row in rows}):
        sides = _sides((row for row in rows if row.seeds == seeds), _of("split_digest"))
        if len(sides) > 1:
            return f"Mixed splits: {len(sides)} sets of test units ({_told(sides)}). Scores across them cannot be compared."
    return ""


def _data(rows: Sequence[Row]) -> list[str]:
    """Compare regions and labels among all rows, and the layers among rows that were allowed the same inputs."""
    sides = _sides(rows, _of("data_digest"))
    found = [f"Mixed data: {len(sides)} versions of the city ({_told(sides)})."] if len(sides) > 1 else []
    for allowed in sorted({_allowed(row) for row in rows}):
        sides = _sides((row for row in rows if _allowed(row) == allowed), _of("view_key"))
        if len(sides) > 1:
            found.append(f"Mixed data: {len(sides)} versions of the layers {allowed} ({_told(sides)}).")
    return found


def _allowed(row: Row) -> str:
    return ordered(row.model.get("inputs_allowed") or ())


def _counts(rows: Sequence[Row]) -> str:
    counts = sorted({row.n_units for row in rows if row.n_units is not None})
    return (
        f"Rows rest on different numbers of units ({', '.join(map(str, counts))})." if len(counts) > 1 else ""
    )


def _seeds(rows: Sequence[Row]) -> str:
    kinds = {row.seeds for row in rows}
    if len(kinds) < 2:
        return ""
    return f"Rows rest on different seeds ({span([len(one) for one in kinds])} of them): only rows with the seeds most rows share are ranked."


def _versions(rows: Sequence[Row]) -> str:
    sides = _sides(rows, _of("urbanbench"))
    return f"Mixed versions of urbanbench ({_told(sides, digest=False)})." if len(sides) > 1 else ""


def _parts(group: Group) -> str:
    """Name what the rows of a table were made by in several versions."""
    found: dict[str, set[int]] = {}
    for block in group.blocks:
        for subject, versions in mixed_versions(block.shown).items():
            found.setdefault(subject, set()).update(versions)
    told = [
        f"{subject} ({' and '.join(str(one or 'not told') for one in sorted(versions))})"
        for subject, versions in sorted(found.items())
    ]
    if not told:
        return ""
    return f"Tables mix versions of {', '.join(told)}: rows of older ones are marked {OLDER}."


def _packages(rows: Sequence[Row]) -> str:
    versions: dict[str, set[str]] = {}
    for row in rows:
        packages: Mapping[str, Any] = row.provenance.get("packages") or {}
        for name in _NUMERIC:
            if packages.get(name):
                versions.setdefault(name, set()).add(str(packages[name]))
    mixed = [
        f"{name} {' and '.join(sorted(found))}" for name, found in sorted(versions.items()) if len(found) > 1
    ]
    return f"Mixed versions of packages: {'; '.join(mixed)}." if mixed else ""


def _gaps(rows: Sequence[Row]) -> str:
    gaps = [
        f"{row.name} ({len(row.score(row.main_metric).finite)} of {len(row.seeds)})"
        for row in rows
        if _has_gap(row)
    ]
    return (
        f"Some seeds have no finite score, means are over the others and are not ranked: {', '.join(gaps)}."
        if gaps
        else ""
    )


def _has_gap(row: Row) -> bool:
    return len(row.score(row.main_metric).finite) < len(row.seeds)
