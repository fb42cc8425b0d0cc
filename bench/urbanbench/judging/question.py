"""Which rows answer the same question, and what differs where they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urbanbench.errors import BadInput
from urbanbench.result import RunResult
from urbanbench.scoring.heads import HEADS

__all__ = ["Pair", "differences", "other_versions", "pair_up", "place_of", "trainings_of"]

_VERSIONS = ("task", "split", "head", "metrics", "protocol")
_SHOWN_DIGEST = 8


@dataclass(frozen=True, eq=False)
class Pair:
    """Two models on one question, each with its trainings by their seeds."""

    one: tuple[RunResult, ...]
    other: tuple[RunResult, ...]

    @property
    def place(self) -> str:
        """City, task, split and head in words."""
        return place_of(self.one[0], self.other[0])


def place_of(result: RunResult, other: RunResult | None = None) -> str:
    """Name a question: "singapore · popdensity · random · mlp"; of two rows the head that is a reader of any vectors."""
    rows = [result] if other is None else [result, other]
    head = next((row.cell.head for row in rows if not _own_head(row)), result.cell.head)
    return f"{result.cell.city} · {result.cell.task} · {result.cell.split} · {head}"


def _own_head(result: RunResult) -> bool:
    head = result.cell.head
    return head in HEADS and HEADS[head].of_a_floor


def differences(one: RunResult, other: RunResult) -> list[str]:
    """Say what makes two rows answers to different questions: "head mlp against ridge". Empty where they can be compared.

    What a model is given and how it was trained is no part of the question. A floor that is nothing but its head goes with every head.
    """
    ours, theirs = _facts(one), _facts(other)
    if _own_head(one) or _own_head(other):
        ours, theirs = (
            {name: fact for name, fact in side.items() if name not in {"head", "version of the head"}}
            for side in (ours, theirs)
        )
    return [
        f"{name} {_told(ours.get(name))} against {_told(theirs.get(name))}"
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    ]


def other_versions(one: RunResult, other: RunResult) -> list[str]:
    """Say which versions differ between two rows of one question: "view version 1 against 2".

    Versions of a model are held against each other where both rows are of that model.
    """
    names = [name for name in one.versions if name in other.versions and name not in _VERSIONS]
    if one.cell.model != other.cell.model:
        names = [name for name in names if name != "model"]
    return [
        f"{name} version {one.versions[name]} against {other.versions[name]}"
        for name in names
        if one.versions[name] != other.versions[name]
    ]


def _facts(result: RunResult) -> dict[str, Any]:
    """Return everything that two rows must share, in the order in which it is said."""
    cell, origin = result.cell, result.provenance
    size = result.evaluation.get("block_size_m")
    facts = {
        "city": cell.city,
        "task": cell.task,
        "split": cell.split,
        "head": cell.head,
        "seeds": cell.seeds,
        "version of the task": cell.task_version,
        "block size in metres": None if size is None else round(float(size), 1),
        "number of units": result.evaluation.get("n_units"),
        "labels": origin.get("targets_digest"),
        "test units": origin.get("split_digest"),
    }
    known = {f"version of the {name}": result.versions.get(name) for name in _VERSIONS}
    return facts | {
        name: fact for name, fact in known.items() if fact is not None and name != "version of the task"
    }


def _told(fact: Any) -> str:
    if isinstance(fact, tuple):
        whole = fact == tuple(range(len(fact))) and len(fact) > 2
        return f"0 to {len(fact) - 1}" if whole else ",".join(map(str, fact))
    text = "not said" if fact is None else str(fact)
    is_digest = len(text) == 32 and not text.isdigit() and text.isalnum()
    return text[:_SHOWN_DIGEST] if is_digest else text


def trainings_of(results: Sequence[RunResult]) -> list[tuple[RunResult, ...]]:
    """Put rows together that differ in the seed of the model's training only, by that seed; each keeps the place of its first."""
    found: dict[str, list[RunResult]] = {}
    for one in results:
        told = {name: part for name, part in one.cell.to_dict().items() if name != "model_seed"}
        told |= {"variant": one.model.get("variant"), "versions": dict(one.versions), **_origin(one)}
        found.setdefault(repr(sorted(told.items(), key=lambda pair: pair[0])), []).append(one)
    return [tuple(sorted(some, key=lambda one: one.cell.model_seed)) for some in found.values()]


def _origin(result: RunResult) -> Mapping[str, Any]:
    return {name: result.provenance.get(name) for name in ("targets_digest", "split_digest", "view_key")}


def pair_up(names: tuple[str, str], ones: Sequence[RunResult], others: Sequence[RunResult]) -> list[Pair]:
    """Pair the rows of two models that answer the same questions, in the order of the first model's.

    Of several pairs on one question those with the same inputs on offer are taken.

    Parameters
    ----------
    names
        What the two are called in messages.
    ones, others
        Finished rows.

    Raises
    ------
    BadInput
        No row of the one answers a question of the other, with what differs in the closest two; or several rows of a model answer one question.
    """
    left, right = trainings_of(ones), trainings_of(others)
    found: dict[str, list[Pair]] = {}
    near: dict[tuple[str, str, str], list[tuple[RunResult, ...]]] = {}
    for other in right:
        near.setdefault(_asked(other[0]), []).append(other)
    for one in left:
        for other in near.get(_asked(one[0]), ()):
            if not differences(one[0], other[0]):
                found.setdefault(place_of(one[0], other[0]), []).append(Pair(one, other))
    if not found:
        raise BadInput(_nothing_shared(names, left, right))
    return [_only(names, place, pairs) for place, pairs in found.items()]


def _asked(result: RunResult) -> tuple[str, str, str]:
    return result.cell.city, result.cell.task, result.cell.split


def _only(names: tuple[str, str], place: str, pairs: Sequence[Pair]) -> Pair:
    alike = [pair for pair in pairs if pair.one[0].cell.inputs == pair.other[0].cell.inputs]
    kept = _fullest(alike) or list(pairs)
    if len(kept) == 1:
        return kept[0]
    for name, side in zip(names, ("one", "other"), strict=True):
        rows = list({getattr(pair, side)[0].run_id: getattr(pair, side)[0] for pair in kept}.values())
        if len(rows) > 1:
            raise BadInput(_several(name, place, rows))
    return kept[0]


def _fullest(pairs: Sequence[Pair]) -> list[Pair]:
    """Of rows in several input settings keep those with all inputs."""
    full = [pair for pair in pairs if pair.one[0].cell.inputs == "full"]
    return full or list(pairs)


def _several(name: str, place: str, rows: Sequence[RunResult]) -> str:
    first, second = (_particulars(row) for row in rows[:2])
    told = [part for part in first if first[part] != second.get(part)]
    shown = "; ".join(f"{part} {first[part]} and {second.get(part)}" for part in told) or "their origin"
    mend = f"{name},{told[0]}={first[told[0]]}" if told else rows[0].run_id[:10]
    return f"{name!r} names {len(rows)} rows on {place}, which differ in {shown}. Expected one. Mend: say {mend}, or a run id such as {rows[0].run_id[:10]}."


def _particulars(row: RunResult) -> dict[str, str]:
    cell = row.cell
    told = {"preset": cell.preset or "none", "inputs": cell.inputs.replace(",", "+")}
    return told | {str(name): str(value) for name, value in cell.parameters.items()}


def _nothing_shared(
    names: tuple[str, str], left: Sequence[tuple[RunResult, ...]], right: Sequence[tuple[RunResult, ...]]
) -> str:
    gaps = [(differences(one[0], other[0]), one[0]) for one in left for other in right]
    least, row = min(gaps, key=lambda gap: len(gap[0]))
    return (
        f"{names[0]!r} and {names[1]!r} answer no question in common, and cannot be compared. The closest two rows, on {place_of(row)}, differ in "
        f"{'; '.join(least)}. Mend: run both with the same city, task, split, head and seeds."
    )
