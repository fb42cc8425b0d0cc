"""Experiments: tables and figures of the UrbanMFM paper as declarations, one small file each.

Every file of this folder whose stem does not start with an underscore holds one `EXPERIMENT`; what they have in common lives
in `kinds`. A declaration says which cells to run and how they are shown; `urbanbench.run.loop` runs them into an ordinary
results folder, so experiments and plain runs share cells.
"""

from __future__ import annotations

from urbanbench.experiments.catalogue import experiment_names, listed_experiments, load_experiment
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.report import Figure, Report, Section

__all__ = [
    "Choice",
    "Experiment",
    "Figure",
    "Report",
    "Section",
    "experiment_names",
    "listed_experiments",
    "load_experiment",
]
