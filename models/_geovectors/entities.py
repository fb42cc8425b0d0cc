"""The entities that GeoVectors embeds: tagged POIs, where they are and which words their tags hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

    from urbanbench.city.folder.tags import TagTable
    from urbanbench.city.view import View

__all__ = ["Entities", "Words", "entities_of", "local_xy", "tag_words"]


@dataclass(frozen=True, eq=False)
class Words:
    """The words of tagged objects, object by object in the order of their tags.

    Parameters
    ----------
    row
        int64 (m,): position of the object, rising.
    code
        int64 (m,): position of the word in `names`.
    names
        The distinct words, sorted.
    n
        Number of objects.
    """

    row: np.ndarray
    code: np.ndarray
    names: tuple[str, ...]
    n: int

    def counts(self, known: np.ndarray) -> sparse.csr_array:
        """Count the words that are known, bool (n_words,), per object: float64 (n, n_words)."""
        from scipy import sparse

        keep = known[self.code]
        ones = np.ones(int(keep.sum()))
        return sparse.csr_array((ones, (self.row[keep], self.code[keep])), shape=(self.n, len(self.names)))

    def sentences(self) -> list[np.ndarray]:
        """Return the codes of each object with at least two words, which is what there is to learn from."""
        bounds = np.flatnonzero(np.diff(self.row)) + 1
        return [one for one in np.split(self.code, bounds) if len(one) > 1]


@dataclass(frozen=True, eq=False)
class Entities:
    """POIs with where they are; those with tags are entities.

    Parameters
    ----------
    xy
        float64 (n, 2): metres from `corner`, see `local_xy`.
    corner
        float64 (2,): the least easting and northing, metres.
    words
        Words of all n POIs.
    tagged
        bool (n,): which POIs carry a tag.
    """

    xy: np.ndarray
    corner: np.ndarray
    words: Words
    tagged: np.ndarray


def entities_of(view: View) -> Entities:
    """Read the POIs of a view."""
    from urbanbench.city.folder.tags import tag_table
    from urbanbench.toolkit.ground.places import centres

    pois = view.pois
    tags = tag_table(pois["tags"])
    xy = centres(pois.geometry)
    corner = xy.min(axis=0) if len(xy) else np.zeros(2)
    tagged = np.bincount(tags.rows, minlength=tags.n) > 0
    return Entities(_from_corner(xy, corner), corner, tag_words(tags), tagged)


def local_xy(shapes: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Return centroids in metres from a corner, to the millimetre, float64 (n, 2).

    So a city that is moved as a whole has the same numbers, and with them the same nearest neighbours where several are equally far.
    """
    from urbanbench.toolkit.ground.places import centres

    return _from_corner(centres(shapes), corner)


def tag_words(tags: TagTable) -> Words:
    """List the words of every object: each tag's key, and its value where that is a single word (published code of the tag model)."""
    keys = [str(one) for one in tags.key_names]
    values = [str(one).strip() for one in tags.value_names]
    single = [len(one.split()) == 1 for one in values]
    names = sorted({*keys, *(one for one, alone in zip(values, single, strict=True) if alone)})
    place = {word: code for code, word in enumerate(names)}
    of_key = np.array([place[one] for one in keys], dtype=np.int64)
    of_value = np.array(
        [place[one] if alone else -1 for one, alone in zip(values, single, strict=True)], np.int64
    )
    code = np.column_stack([of_key[tags.key_codes], of_value[tags.value_codes]]).ravel()
    row = np.repeat(tags.rows.astype(np.int64), 2)
    return Words(row[code >= 0], code[code >= 0], tuple(names), tags.n)


def _from_corner(xy: np.ndarray, corner: np.ndarray) -> np.ndarray:
    return np.asarray(np.round(xy - corner, 3))
