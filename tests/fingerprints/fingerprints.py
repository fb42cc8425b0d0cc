"""All fingerprints there are."""

from __future__ import annotations

from fingerprint_book import Fingerprint
from fingerprint_cities import city_fingerprints
from fingerprint_models import model_fingerprints
from fingerprint_retrieval import retrieval_fingerprints
from fingerprint_scoring import scoring_fingerprints
from fingerprint_tasks import task_fingerprints

__all__ = ["all_fingerprints"]


def all_fingerprints() -> list[Fingerprint]:
    """Return them by kind: the view first, which models rest on."""
    return [
        *city_fingerprints(),
        *scoring_fingerprints(),
        *retrieval_fingerprints(),
        *task_fingerprints(),
        *model_fingerprints(),
    ]
