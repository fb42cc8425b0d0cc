"""The words of a region: what the tags and names of its POIs say, as a multiset."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.seen import saw
from urbanbench.toolkit.ground.places import region_rows
from urbanbench.toolkit.texts.counts import POI_KEYS, Tokens, joined_tokens
from urbanbench.toolkit.texts.place_texts import is_object, is_place, is_shaped_place

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.folder.tags import TagTable
    from urbanbench.city.view import View
    from urbanbench.models.urban2vec import Urban2Vec

LISTED_KEYS = ("cuisine", "brand")
"""Keys beside `POI_KEYS` whose values are words."""

_NAME_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, eq=False)
class RegionWords:
    """n occurrences of words in POIs of regions.

    Parameters
    ----------
    region, word
        int64 (n,): row of the region, and which word.
    names
        The v words, str (v,), sorted. Those of names have no "=".
    n_regions
        Number of regions of the city.
    """

    region: np.ndarray
    word: np.ndarray
    names: np.ndarray
    n_regions: int

    def __len__(self) -> int:
        return len(self.word)

    @property
    def counts(self) -> np.ndarray:
        """How often each word occurs, int64 (v,)."""
        return np.bincount(self.word, minlength=len(self.names))

    @property
    def present(self) -> np.ndarray:
        """Which pairs of region and word there are, as region · v + word; int64, sorted."""
        return np.unique(self.region * len(self.names) + self.word)

    def where(self, keep: np.ndarray) -> RegionWords:
        """Keep some occurrences; `keep` is bool (n,)."""
        return RegionWords(self.region[keep], self.word[keep], self.names, self.n_regions)


def gather_words(model: Urban2Vec, view: View) -> RegionWords | None:
    """Read the words of all POIs inside of regions; None where POIs may not be seen.

    Each word counts once per POI. Words of tags that fewer than `min_count` POIs have are dropped, and words of names that fewer
    than `min_name_count` or more than `max_name_count` have.
    """
    if not view.has("poi"):
        return None
    regions = len(view.region_ids)
    parts = [_words_of(model, view, view.pois, shaped=False)]
    if view.has("polygon"):
        parts.append(_words_of(model, view, view.buildings, shaped=True))
    tag_words = _joined([(region, words) for region, words, _ in parts], model.min_count, None)
    every = [tag_words]
    if model.use_name:
        named = [(region, words) for region, _, words in parts]
        every.append(_joined(named, model.min_name_count, model.max_name_count))
    _tell_used(np.unique(np.concatenate([words.row for _, words in every])), [one[1].n for one in parts])
    names = np.unique(np.concatenate([words.names for _, words in every]))
    region = np.concatenate([region[words.row] for region, words in every])
    word = np.concatenate([np.searchsorted(names, words.names)[words.code] for _, words in every])
    return RegionWords(region, word.astype(np.int64), names, regions)


def _tell_used(rows: np.ndarray, sizes: list[int]) -> None:
    """Say which objects have a word that is kept; `rows` are positions among the POIs and the buildings behind them."""
    saw("poi", rows[rows < sizes[0]], of=sizes[0])
    if len(sizes) > 1:
        saw("polygon", rows[rows >= sizes[0]] - sizes[0], of=sizes[1])


def tag_tokens(tags: TagTable) -> Tokens:
    """Return "key=*" and "key=value" for each key that says what an object is, and "cuisine=…" and "brand=…"; lists are split."""
    table = tags.with_key(*POI_KEYS, *LISTED_KEYS)
    codes, pairs = table.pairs()
    return _expanded(table.rows, codes, pairs.tolist(), _pair_words, tags.n)


def name_word_tokens(tags: TagTable) -> Tokens:
    """Return the lower-case words of names: two letters or more, split at all else, common words of English left out."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    def words(name: str) -> list[str]:
        return [one for one in _NAME_WORD.findall(name.lower()) if one not in ENGLISH_STOP_WORDS]

    table = tags.with_key("name")
    return _expanded(table.rows, table.value_codes, [str(one) for one in table.value_names], words, tags.n)


def _pair_words(pair: str) -> list[str]:
    key, _, values = pair.partition("=")
    kinds = [f"{key}={one.strip().lower()}" for one in values.split(";") if one.strip()]
    return kinds if key in LISTED_KEYS else [f"{key}=*", *kinds]


def _expanded(
    rows: np.ndarray, codes: np.ndarray, texts: list[str], words: Callable[[str], list[str]], n: int
) -> Tokens:
    """Give object `rows[i]` the words of ``texts[codes[i]]``, each once."""
    used = np.unique(codes)
    listed = {code: words(texts[code]) for code in used.tolist()}
    sizes = np.array([len(listed[code]) for code in codes.tolist()], dtype=np.int64)
    flat = [word for code in codes.tolist() for word in listed[code]]
    names, code = np.unique(np.array(flat, dtype=np.str_), return_inverse=True)
    once = np.unique(np.repeat(rows, sizes).astype(np.int64) * len(names) + code)
    row, code = np.divmod(once, max(len(names), 1))
    return Tokens(row, code, names, n)


def _words_of(
    model: Urban2Vec, view: View, frame: pd.DataFrame, *, shaped: bool
) -> tuple[np.ndarray, Tokens, Tokens]:
    """Return the region of each object, int64 (k,), and the words of its tags and of its name if it is a POI inside of a region."""
    tags = tag_table(frame["tags"])
    region = region_rows(view, frame["region_id"].tolist())
    told = (
        is_shaped_place(tags) if shaped else is_object(tags) if model.poi_filter == "all" else is_place(tags)
    )
    kept = told & (region >= 0)
    return region, _of_objects(tag_tokens(tags), kept), _of_objects(name_word_tokens(tags), kept)


def _of_objects(tokens: Tokens, kept: np.ndarray) -> Tokens:
    some = kept[tokens.row]
    return Tokens(tokens.row[some], tokens.code[some], tokens.names, tokens.n)


def _joined(
    parts: list[tuple[np.ndarray, Tokens]], least: int, most: int | None
) -> tuple[np.ndarray, Tokens]:
    """Put the objects of several frames below one another and drop rare and too common words."""
    region, total = np.concatenate([one for one, _ in parts]), sum(tokens.n for _, tokens in parts)
    start, made = 0, Tokens(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.str_), total)
    for _, tokens in parts:
        made = joined_tokens(made, Tokens(tokens.row + start, tokens.code, tokens.names, total))
        start += tokens.n
    count = np.bincount(made.code, minlength=len(made.names))
    return region, made.where((count >= least) & (count <= (total if most is None else most)))
