"""From results and predictions to what a verdict rests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from urbanbench.errors import BadInput, DataMissing
from urbanbench.judging.answers import Answers, answers_of
from urbanbench.judging.basis import Basis, basis_of, may_repeat
from urbanbench.judging.bootstrap import Resampled, block_bootstrap
from urbanbench.judging.ground import Ground
from urbanbench.judging.question import Pair
from urbanbench.judging.sharing import Sharing, sharing_of
from urbanbench.judging.verdict import Evidence, contributions_of
from urbanbench.result import RunResult
from urbanbench.scoring.metrics import metric_info
from urbanbench.store import ResultStore
from urbanbench.task import base_unit_factor

__all__ = ["NO_PLACES", "NO_PREDICTIONS", "evidence_of", "read_answers", "resampled_units"]

NO_PLACES, NO_PREDICTIONS = "no places", "no predictions"
_ROUNDING = 1e-4
"""How far scores of stored predictions may lie from those of the row, as a share of 1 + |score|; float32 gives a tenth of it."""


def evidence_of(
    pair: Pair, metric: str, sign: int, scores: tuple[np.ndarray, np.ndarray], ground: Ground
) -> tuple[Evidence, str]:
    """Gather what a verdict rests on, and say what is lacking for the spatial test.

    By what chance is told is said by `urbanbench.judging.basis`: few groups make few different test sides, and seeds that repeat them are no splits of their own.

    Parameters
    ----------
    sign
        1 where higher is better, -1 where lower is.
    scores
        (M, J) of the trainings of each, times the sign.

    Raises
    ------
    BadInput
        Predictions that do not give the scores of their row.
    """
    first = pair.one[0]
    base = _base(first, metric, scores)
    if base.basis is Basis.NEIGHBOURHOODS and not may_repeat(first.cell.split):
        return base, ""
    answers = _answers(pair, metric)
    basis = _basis(first, metric, answers)
    if basis is Basis.NEIGHBOURHOODS:
        return base, ""
    base = replace(base, basis=basis)
    if answers is None:
        return base, NO_PREDICTIONS
    told = contributions_of(*answers, sign)
    judged = ground.judge(first, answers[0][0].units)
    if judged is None:
        return replace(base, contributions=told if basis is Basis.QUERIES else None), NO_PLACES
    return replace(base, contributions=told, places=judged), ""


def _basis(first: RunResult, metric: str, answers: tuple[list[Answers], list[Answers]] | None) -> Basis:
    tested = answers[0][0].rows if answers is not None else None
    facts = first.evaluation.get("split_facts", ())
    return basis_of(first.cell.split, facts, of_queries=metric_info(metric).of_queries, tested=tested)


def _base(first: RunResult, metric: str, scores: tuple[np.ndarray, np.ndarray]) -> Evidence:
    """Return what is known without predictions; of a retrieval seeds draw other candidates for the same queries, and split nothing.

    Raises
    ------
    BadInput
        A metric of a retrieval that is no mean over queries.
    """
    units, info, basis = int(first.evaluation["n_units"]), metric_info(metric), _basis(first, metric, None)
    if info.of_queries:
        if not info.share:
            msg = f"{info.title!r} is no mean over queries, so chance cannot be told by them. Expected a metric that is. Mend: --metric within_500m, or hit@5."
            raise BadInput(msg)
        return Evidence(*scores, Sharing(0.0), units, basis)
    train, val, test = (first.evaluation[name] for name in ("n_train", "n_val", "n_test"))
    facts = first.evaluation.get("split_facts", ())
    return Evidence(*scores, sharing_of(first.cell.split, train, val, test, facts), units, basis)


def resampled_units(pair: Pair, metric: str, ground: Ground, draws: int) -> Resampled | None:
    """Draw blocks of test units again for both models; None where predictions or positions are not there.

    Blocks are as wide as those of the split, else a fifth of the larger side of the units' bounding box, which makes about 25.
    """
    answers = _answers(pair, metric)
    if answers is None:
        return None
    first = pair.one[0]
    xy = ground.positions(first, answers[0][0].units)
    if xy is None:
        return None
    means = np.array([np.mean([one.scores for one in side]) for side in answers])
    contributions = np.stack([np.mean([one.contributions for one in side], axis=0) for side in answers])
    size = first.evaluation.get("block_size_m") or float(np.ptp(xy, axis=0).max()) / 5
    return block_bootstrap(means, contributions, xy, float(size), repeats=draws)


def _answers(pair: Pair, metric: str) -> tuple[list[Answers], list[Answers]] | None:
    """Read what both models answered; None where predictions of a row are not there."""
    try:
        ours, theirs = ([read_answers(row, metric) for row in side] for side in (pair.one, pair.other))
    except DataMissing:
        return None
    return ours, theirs


def read_answers(row: RunResult, metric: str) -> Answers:
    """Read what a row answered, as a metric's sums.

    Raises
    ------
    DataMissing
        Its predictions are not there.
    BadInput
        They do not give the score of the row.
    """
    if row.file is None:
        msg = f"Run {row.run_id} is no file."
        raise DataMissing(msg)
    scale = base_unit_factor(str(row.task.get("unit") or ""))
    told = ResultStore.read_predictions(row.file.absolute(), row.cell)
    made = answers_of(told, str(row.task["kind"]), metric, log_scale=scale)
    stated = np.array(row.scores[metric])
    if (
        made.scores.shape != stated.shape
        or not (np.abs(made.scores - stated) <= _ROUNDING * (1 + np.abs(stated))).all()
    ):
        msg = f"The predictions of run {row.run_id[:10]} ({row.cell}) do not give its {metric}. Expected those that it was scored by. Mend: urbanbench results verify tells which of the two is damaged."
        raise BadInput(msg)
    return made
