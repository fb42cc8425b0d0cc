"""Versions of what makes a retrieval's numbers; each is raised whenever the same questions and vectors give others than before."""

from __future__ import annotations

__all__ = ["DRAWING_VERSION", "RANKING_VERSION"]

DRAWING_VERSION = 1
"""Of the candidate sets; stands for a split's version in results."""
RANKING_VERSION = 1
"""Of likeness, ties and places of those without data; stands for a head's version."""
