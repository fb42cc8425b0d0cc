"""Paired differences over shared splits: the corrected resampled t test, and trainings as a level of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from urbanbench.judging.estimate import Estimate, combined
from urbanbench.judging.sharing import Sharing

__all__ = ["naive_t", "resampled_t", "with_trainings"]


def resampled_t(differences: np.ndarray, sharing: Sharing) -> Estimate:
    """Judge mean differences over splits of the same units (Nadeau and Bengio 2003, the corrected resampled t test).

    The variance of the mean is S² (1/J + n2/n1) with S² the sample variance over the J splits: splits of the same units share data, so their
    scores scatter less around their mean than that mean scatters around the truth. Student's t; the degrees of freedom are J - 1 where test parts
    are put together from single units, and fewer where they are from a few blocks (`Sharing.freedom`).

    Parameters
    ----------
    differences
        (..., J): score of one row minus that of another, split by split; J >= 2.
    sharing
        What the splits share.
    """
    count = differences.shape[-1]
    variance = differences.var(axis=-1, ddof=1)
    error = np.sqrt(variance * (1.0 / count + sharing.ratio))
    return Estimate(differences.mean(axis=-1), error, np.asarray(sharing.freedom(count)))


def naive_t(differences: np.ndarray) -> Estimate:
    """Judge as if splits were independent, which they are not: the usual paired t test, for comparison only."""
    return resampled_t(differences, Sharing(0.0))


def with_trainings(estimate: Estimate, sides: Sequence[np.ndarray]) -> Estimate:
    """Add what another training of either model would change.

    A model's mean over M trainings has, beside the variance over splits, the variance s² / M, with s² the sample variance of the trainings' means
    over seeds and M - 1 degrees of freedom (one-way random effects; Bouthillier et al. 2021, who keep sources of
    variation apart in the same way). s² holds a share of the scatter over splits too, so this errs towards caution. Of a side with one training
    the variance is not known and not added.

    Parameters
    ----------
    estimate
        Of the difference of means over trainings.
    sides
        Scores (M, J) of the trainings of each row.
    """
    several = [side for side in sides if len(side) > 1]
    if not several:
        return estimate
    variances = np.array([side.mean(axis=1).var(ddof=1) / len(side) for side in several])
    return combined(estimate, variances, np.array([len(side) - 1.0 for side in several]))
