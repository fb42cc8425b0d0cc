"""Whether what was trained for a result had stopped falling when its training ended, read from the record of its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["NO", "NOT_KNOWN", "NOT_TRAINED", "YES", "converged", "stage_converged", "told_stages"]

YES, NO, NOT_KNOWN, NOT_TRAINED = "yes", "no", "not known", "not trained"


def converged(
    stages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], *, records: bool = True
) -> str:
    """Return "yes", "no", "not known" or "not trained" of a result as a whole: its worst stage counts.

    Parameters
    ----------
    stages
        Section ``training`` of a result.
    parameters
        The model's: steps at learning rates of 0 (``lr``, ``word_lr``, ``lr_head``) are those of a model that stays before its first step.
    records
        Whether the model would have recorded a training: floors, models of ours and those whose cards say that they do not train would, vectors and other
        models of others need not.
    """
    if not stages:
        return NOT_TRAINED if records else NOT_KNOWN
    rates = [value for name, value in parameters.items() if "lr" in name.split("_")]
    if rates and all(rate == 0 for rate in rates):
        return NOT_TRAINED
    words = {stage_converged(stage) for stage in stages}
    return next((word for word in (NO, NOT_KNOWN, YES) if word in words), NOT_TRAINED)


def stage_converged(stage: Mapping[str, Any]) -> str:
    """Return the same of a stage.

    A stage of before there was such a record, which took all the steps it was planned for, was ended by them and had not converged. One that
    stopped earlier did so at a rate that a clock had lowered: nobody knows. So it is where nothing was judged.
    """
    if stage.get("skipped"):
        return NOT_TRAINED
    if "converged" in stage:
        return NOT_KNOWN if stage["converged"] is None else YES if stage["converged"] is True else NO
    steps = stage.get("steps")
    judged = bool(steps) and bool(stage.get("checks"))
    return NO if judged and steps == stage.get("planned_steps") else NOT_KNOWN


def told_stages(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence part per stage: how long it trained, how it ended, and how far it came.

    Examples
    --------
    >>> told_stages([{"name": "poi", "steps": 900, "passes": 12.3, "best_step": 850, "ended": "plateau", "converged": True, "last_over_chance": 0.71}])
    ['poi: converged, 900 steps, 12.3 passes, best step 850, last loss 0.71 of chance']
    """
    return [_told(stage) for stage in stages]


def _told(stage: Mapping[str, Any]) -> str:
    name = str(stage.get("name") or "stage")
    if stage.get("skipped"):
        return f"{name}: not trained ({stage['skipped']})"
    word = {YES: "converged", NO: "not converged", NOT_KNOWN: "not known whether converged"}[
        stage_converged(stage)
    ]
    ended = stage.get("ended") or ""
    ended = f" (ended by {_ENDED.get(ended, ended)})" if ended and ended != "plateau" else ""
    parts = [f"{word}{ended}"]
    parts += [f"{stage['steps']:,} steps"] if stage.get("steps") else []
    parts += [f"{stage['passes']:.1f} passes"] if stage.get("passes") is not None else []
    parts += (
        [f"best step {stage['best_step']:,}"]
        if stage.get("best_step") is not None and stage.get("steps")
        else []
    )
    share = stage.get("last_over_chance")
    parts += [f"last loss {share:.2f} of chance"] if share is not None else []
    return f"{name}: {', '.join(parts)}"


_ENDED = {"cap": "its most steps", "time": "its most seconds", "epochs": "its fixed number of epochs"}
