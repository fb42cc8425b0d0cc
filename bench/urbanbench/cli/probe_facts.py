"""What a probe's result tells beside its scores, for ``urbanbench describe`` and ``urbanbench results show``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.result import RunResult

__all__ = ["probe_facts"]


def probe_facts(result: RunResult, metric: str) -> dict[str, Any]:
    """Return what was asked, and the main metric of every step of a curve or of the control; {} of a plain result."""
    from urbanbench.scoring.probes.catalogue import PROBES

    name, told = result.cell.probe, result.probe
    if not name:
        return {}
    facts: dict[str, Any] = {"name": name, "asks": PROBES[name].summary if name in PROBES else ""}
    facts |= {_step(step): _score(step["scores"], metric) for step in told.get("steps", ())}
    if "projected" in told:
        left = sum(told["variance_left"]) / len(told["variance_left"])
        facts |= {
            "projected": f"{told['projected']}, of degree {told['degree']}",
            "variance left": f"{100 * left:.0f} %",
        }
    if "beside" in told:
        facts["beside"] = (
            f"{told['beside']}, {told['nearest']} of them, at {told['distance_m']:.0f} m (median)"
        )
    return facts | ({"control": _score(told["control"], metric)} if "control" in told else {})


def _step(step: Mapping[str, Any]) -> str:
    if "share" in step:
        return f"{100 * step['share']:.3g} % of the labels"
    return f"{step['dims']} dimension{'s' if step['dims'] > 1 else ''}"


def _score(scores: Mapping[str, Sequence[float | None]], metric: str) -> str:
    from urbanbench.board.numbers import Score

    return Score(tuple(scores.get(metric, ()))).text
