"""Sentences about regions: from the city, from a template, or from a vision language model; a run has one source only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused, UnknownName
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.texts.counts import rows_of
from urbanbench.toolkit.texts.place_texts import distinct_texts

if TYPE_CHECKING:
    from urbanbench.city.view import View

SOURCES = ("auto", "precomputed", "template", "vlm")

TEMPLATE_INPUTS = ("poi", "polygon", "road")
"""Inputs the template reads beside the picture, where they may be seen."""


@dataclass(frozen=True, eq=False)
class Captions:
    """The distinct sentences of a city and which regions they are about.

    Parameters
    ----------
    sentences
        Distinct sentences, sorted.
    of_region
        Sentences of every region of the view; one that stands twice in a region is there twice.
    """

    sentences: tuple[str, ...]
    of_region: Groups


def caption_source(view: View, word: str) -> str:
    """Return the source that a word chooses: "auto" takes the city's captions where they may be seen, else the template.

    Raises
    ------
    UnknownName
        No such source.
    RunRefused
        "precomputed", and the view shows no captions.
    """
    if word not in SOURCES:
        raise UnknownName("source of captions", word, SOURCES)
    if word == "precomputed" and not view.has("captions"):
        msg = f"urbanclip is to read captions of {view.city_name!r}, but none can be seen. Expected the input captions. Mend: add the layer, allow the input, or --set captions=template."
        raise RunRefused(msg)
    if word != "auto":
        return word
    return "precomputed" if view.has("captions") else "template"


def name_source(view: View, word: str, captioner: str) -> str:
    """Return the source as a result names it: with what a template reads, or which model writes."""
    source = caption_source(view, word)
    if source == "template":
        read = [one for one in TEMPLATE_INPUTS if view.has(one)]
        return f"template ({', '.join([*read, 'colours of the picture'])})"
    if source == "vlm":
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder

        return f"vlm ({name_image_encoder(captioner)})"
    return source


def given_captions(view: View, drop_words: Sequence[str]) -> Captions:
    """Read the city's captions; one row is one sentence."""
    told = view.captions
    return collect(
        rows_of(view.region_ids, told["region_id"].tolist()),
        told["caption"].tolist(),
        len(view.region_ids),
        drop_words,
    )


def collect(
    region: np.ndarray, sentences: Sequence[str], n_regions: int, drop_words: Sequence[str]
) -> Captions:
    """Put sentences together by region.

    Parameters
    ----------
    region
        int64 (m,): region of every sentence.
    sentences
        The m sentences.
    n_regions
        Regions of the view.
    drop_words
        Sentences with one of these words (or its plural in -s) are left out: what a model is known to imagine.
    """
    kept = np.arange(len(sentences))
    if drop_words:
        words = "|".join(re.escape(one) for one in drop_words)
        told = re.compile(rf"\b(?:{words})s?\b", re.IGNORECASE)
        kept = np.array([row for row in kept.tolist() if not told.search(sentences[row])], dtype=np.int64)
    texts, place = distinct_texts([sentences[row] for row in kept.tolist()])
    return Captions(texts, Groups.from_pairs(region[kept], place, n_regions))


def split_sentences(text: str) -> list[str]:
    """Cut a description into its sentences.

    Examples
    --------
    >>> split_sentences("A park. Two roads cross it! ")
    ['A park.', 'Two roads cross it!']
    """
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]
