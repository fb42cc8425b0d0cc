"""What a model adds to a floor: results of both together, put beside the model's own row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urbanbench.board.columns import direction
from urbanbench.board.layout import Entry
from urbanbench.board.numbers import Score, scores_over
from urbanbench.errors import BadInput

__all__ = [
    "ADDS",
    "NO_FLOOR",
    "READING",
    "Added",
    "Beside",
    "added_entry",
    "added_notes",
    "added_to",
    "apart_from_beside",
    "made_alike",
    "question_of",
]

ADDS = "adds"
"""Title of its column."""
NO_FLOOR = "no floor"
"""Stands where no floor reads content from the inputs that the model sees."""
READING = (
    "adds: how much better the model and the best floor of each seed are together than that floor alone, on the first metric, and on how many seeds; "
    "how far to believe either is learned inside the training part, from rows that their heads were not fitted on. The notes say how much a "
    "second floor adds instead of the model: so much comes of counting something else."
)
"""How to read the column."""
_REFUSAL = "NoFloor"
_MADE_OF = (
    "view_key",
    "targets_digest",
    "train_view_key",
    "train_targets_digest",
    "model_file_digest",
    "task_file_digest",
)
"""Hashes of the data and foreign files that a result was made of."""
_DECIMALS = 3
"""Of gains, which are of metrics between 0 and 1."""


@dataclass(frozen=True, eq=False)
class Added:
    """What the result of a model beside a floor says.

    Parameters
    ----------
    word
        Why there are no numbers: "no floor", "refused" or "failed"; "" where there are.
    gain, together, alone
        Metric name to score: how much better both are than the floor alone, positive where they are better; both; the floor.
    second
        How much better two floors are than one, likewise; empty where there is one floor only.
    chosen
        Each seed's floor, of several trainings one list after another.
    """

    word: str
    gain: Mapping[str, Score]
    together: Mapping[str, Score]
    alone: Mapping[str, Score]
    second: Mapping[str, Score]
    chosen: tuple[str, ...]

    def gained(self, metric: str) -> tuple[int, int]:
        """Return on how many seeds the model adds something, and of how many; those of all trainings together."""
        score = self.gain.get(metric, Score(()))
        values = [one for training in score.trainings or (score.values,) for one in training]
        return sum(one is not None and one > 0 for one in values), len(values)

    def text(self, metric: str) -> str:
        """Write a gain with its sign and the seeds on which there is one: "+0.041 ± 0.012 (9 of 10)"."""
        score = self.gain.get(metric, Score(()))
        if self.word or not score.finite:
            return self.word
        gained, of = self.gained(metric)
        return f"{self.gain_text(metric)} ({gained} of {of})"

    def gain_text(self, metric: str) -> str:
        """Write a gain with its sign: "+0.041 ± 0.012"; "" where there is none."""
        score = self.gain.get(metric, Score(()))
        return score.signed_text(_DECIMALS) if score.finite else ""

    def second_text(self, metric: str) -> str:
        """Write what a second floor adds to the first: "+0.060 ± 0.021"; "" where there is none."""
        score = self.second.get(metric, Score(()))
        return score.signed_text(_DECIMALS) if score.finite else ""

    @property
    def floors(self) -> str:
        """The floors chosen, most frequent first: "building-stats 7x, poi-counts 3x"."""
        counts = sorted(Counter(self.chosen).items(), key=lambda pair: (-pair[1], pair[0]))
        return counts[0][0] if len(counts) == 1 else ", ".join(f"{name} {count}x" for name, count in counts)

    @classmethod
    def over(cls, trainings: Sequence[Added]) -> Added:
        """Join what several trainings add; a word of one of them stands for all. What floors say is the same beside each of them."""
        word = next((one.word for one in trainings if one.word), "")
        if word or len(trainings) == 1:
            return trainings[0] if not word else cls(word, {}, {}, {}, {}, ())
        return cls(
            "",
            gain=scores_over([one.gain for one in trainings]),
            together=scores_over([one.together for one in trainings]),
            alone=_of_floors([one.alone for one in trainings]),
            second=_of_floors([one.second for one in trainings]),
            chosen=tuple(name for one in trainings for name in one.chosen),
        )


def _of_floors(trainings: Sequence[Mapping[str, Score]]) -> Mapping[str, Score]:
    """Return what floors say beside every training, with no spread over trainings; joined should they not say the same."""
    first = trainings[0]
    return first if all(dict(one) == dict(first) for one in trainings) else scores_over(trainings)


def question_of(spec: Mapping[str, Any]) -> str:
    """Return what a spec asks whatever stands beside the model: equal for a row and its result beside a floor."""
    return json.dumps(
        {name: value for name, value in spec.items() if name != "beside"}, sort_keys=True, default=str
    )


@dataclass(frozen=True, eq=False)
class Beside:
    """A result of a model beside a floor.

    Parameters
    ----------
    added
        What it says.
    own
        Whether it is an own run.
    versions, provenance
        What it was made with.
    """

    added: Added
    own: bool
    versions: Mapping[str, Any]
    provenance: Mapping[str, Any]


def made_alike(
    versions: Mapping[str, Any],
    provenance: Mapping[str, Any],
    other_versions: Mapping[str, Any],
    other_provenance: Mapping[str, Any],
) -> bool:
    """Tell whether two results were made with the same versions and of the same data, as far as both say."""
    same = all(other_versions.get(name, number) == number for name, number in versions.items())
    told = {name: provenance[name] for name in _MADE_OF if provenance.get(name)}
    return same and all((other_provenance.get(name) or digest) == digest for name, digest in told.items())


def added_to(
    versions: Mapping[str, Any],
    provenance: Mapping[str, Any],
    sides: Sequence[bool],
    beside: Sequence[Beside],
) -> Added | None:
    """Return what was said of a row beside a floor; None where no result of it was made as the row was.

    Parameters
    ----------
    versions, provenance
        What the row was made with.
    sides
        Whether the row is an own run; of a reference row that own runs repeat False, then True. A result of another side counts where it is of the
        very same vectors.
    beside
        Results of the row's question, the later last.
    """
    fitting = [one for one in beside[::-1] if made_alike(versions, provenance, one.versions, one.provenance)]
    for side in sides:
        if found := next((one for one in fitting if one.own == side), None):
            return found.added
    vectors = provenance.get("embedding_digest")
    same = (one for one in fitting if vectors and one.provenance.get("embedding_digest") == vectors)
    return next((one.added for one in same), None)


def apart_from_beside(
    results: Iterable[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], dict[str, list[Beside]]]:
    """Part results into those of models alone, and those of models beside a floor by their question.

    Results of probes are neither: they answer other questions than a table asks.
    """
    alone: list[Mapping[str, Any]] = []
    beside: dict[str, list[Beside]] = {}
    for one in results:
        spec = one.get("spec")
        if isinstance(spec, Mapping) and spec.get("probe"):
            continue
        if isinstance(spec, Mapping) and spec.get("beside"):
            versions, provenance = _mapping(one.get("versions")), _mapping(one.get("provenance"))
            said = Beside(read_added(one), one.get("own") is True, versions, provenance)
            beside.setdefault(question_of(spec), []).append(said)
        else:
            alone.append(one)
    return alone, beside


def _mapping(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def read_added(result: Mapping[str, Any]) -> Added:
    """Read what a result of a model beside a floor says; raises `BadInput` where that is damaged."""
    told = result.get("adds")
    if result.get("status") != "ok" or not isinstance(told, Mapping):
        refused = result.get("error_type") == _REFUSAL
        return Added(NO_FLOOR if refused else str(result.get("status", "failed")), {}, {}, {}, {}, ())
    gain, alone, second = (_scores(told, part, result) for part in ("gain", "floor_scores", "second_scores"))
    chosen = tuple(map(str, told.get("chosen") or ()))
    return Added("", gain, _scores(result, "scores", result), alone, _gains(second, alone), chosen)


def _gains(second: Mapping[str, Score], alone: Mapping[str, Score]) -> dict[str, Score]:
    """Return how much better two floors are than one."""
    pairs = {
        metric: zip(score.values, alone[metric].values, strict=False)
        for metric, score in second.items()
        if metric in alone
    }
    return {
        metric: Score(
            tuple(None if a is None or b is None else direction(metric) * (a - b) for a, b in values)
        )
        for metric, values in pairs.items()
    }


def _scores(section: Mapping[str, Any], part: str, result: Mapping[str, Any]) -> dict[str, Score]:
    table = section.get(part) or {}
    if not isinstance(table, Mapping) or not all(map(_is_numbers, table.values())):
        msg = f"Result {result.get('run_id')!r} has {part} = {table!r}. Expected a list with one number or null per seed for each metric."
        raise BadInput(msg)
    return {
        str(metric): Score(tuple(None if one is None else float(one) for one in values))
        for metric, values in table.items()
    }


def _is_numbers(values: Any) -> bool:
    return isinstance(values, Sequence) and all(one is None or isinstance(one, int | float) for one in values)


def added_entry(added: Added | None, metric: str) -> Entry:
    """Return what a table shows of it; empty for rows that were not run beside a floor."""
    if added is None:
        return Entry()
    score = added.gain.get(metric, Score(()))
    both, floor = (part.get(metric, Score(())).text for part in (added.together, added.alone))
    values = ", ".join("none" if one is None else f"{one:+.4g}" for one in score.values)
    tip = f"together {both}, floor alone {floor}; per seed {values}" if score.finite else ""
    return Entry(added.text(metric), tip=tip, value=score.mean if score.finite else None)


def added_notes(added: Added | None, metric: str, trainings: int = 0) -> list[str]:
    """Return what a reader should know of a gain: over which floors, what a second floor adds to them, and for which of a row's trainings it is known."""
    if added is None or added.word:
        return []
    second = added.second_text(metric)
    yardstick = f", to which a second floor adds {second}" if second else ""
    known = len(added.gain.get(metric, Score(())).trainings) or 1
    some = f" (known of {known} of {trainings} trainings)" if known < trainings else ""
    return [f"adds to {added.floors}{yardstick}{some}"]
