"""Which runs have errors that a map can show."""

from __future__ import annotations

from urbanbench.card import RETRIEVAL
from urbanbench.errors import BadInput
from urbanbench.result import OK, RunResult
from urbanbench.scoring.probes.catalogue import POSITION

__all__ = ["check_mapped"]


def check_mapped(result: RunResult) -> None:
    """Refuse what has no error per unit.

    Raises
    ------
    BadInput
        The run has no scores, or asks for where units lie.
    """
    if result.status != OK:
        msg = f"Run {result.run_id} is {result.status}: {result.reason} Expected a finished run."
        raise BadInput(msg)
    if result.task.get("kind") == RETRIEVAL:
        msg = f"Run {result.run_id} is a retrieval: queries have ranks, and no errors of a value to draw. Expected a run that predicts a label. Mend: urbanbench compare judges ranks, and the predictions' column predicted[error_m] has distances."
        raise BadInput(msg)
    if result.cell.probe == POSITION:
        msg = f"Run {result.run_id} asks where units lie. Expected a run that predicts a label. Mend: take the row of the same model without --probe."
        raise BadInput(msg)
