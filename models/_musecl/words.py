"""What a region's POIs say: words of their tags, vectors of these words (word2vec), and their mean."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.progress import Bar, tracking
from urbanbench.seeds import generator, integer_seed
from urbanbench.seen import saw
from urbanbench.toolkit.ground.places import region_rows
from urbanbench.toolkit.texts.counts import Tokens, key_value_tokens
from urbanbench.toolkit.texts.place_texts import is_place
from urbanbench.toolkit.training.plateau import settled
from urbanbench.toolkit.training.stage_log import EPOCHS, StageLog, record

if TYPE_CHECKING:
    from gensim.models import Word2Vec
    from scipy import sparse

    from urbanbench.city.view import View
    from urbanbench.models.musecl import MuseCL

WINDOW, NEGATIVE = 5, 5
"""gensim's own: neighbours of a word before and after it, and words it is told from."""

JUDGED_BY = "loss of a sample of POIs after every epoch; the rate falls by gensim's clock"
"""What the record says of how convergence is judged: by the last two epochs."""

JUDGED = 500
"""POIs on whose words the training is judged."""


@dataclass(frozen=True, eq=False)
class Places:
    """The POIs of a view by their tags.

    Parameters
    ----------
    tags
        Tags "key=value" with a primary OpenStreetMap key, of POIs only (`urbanbench.toolkit.texts.place_texts.is_place`).
    region
        int64 (tags.n,): row of the region each object lies in, -1 outside of all.
    n_regions
        Number of regions.
    """

    tags: Tokens
    region: np.ndarray
    n_regions: int

    def histogram(self) -> sparse.csr_array:
        """Count the POIs of every region by category, that is by tag, float64 (n_regions, n_tags)."""
        from scipy import sparse

        row = self.region[self.tags.row]
        inside = row >= 0
        shape = (self.n_regions, len(self.tags.names))
        ones = np.ones(int(inside.sum()))
        return sparse.csr_array((ones, (row[inside], self.tags.code[inside])), shape=shape)

    def sentences(self) -> list[list[str]]:
        """Return the words of every POI: key, value and key=value of each of its tags, in the order of the tags."""
        words = [[*name.split("=", 1), name] for name in self.tags.names.tolist()]
        ends = np.flatnonzero(np.diff(self.tags.row)) + 1
        return [
            [word for tag in part.tolist() for word in words[tag]]
            for part in np.split(self.tags.code, ends)
            if len(part)
        ]

    def words_of_regions(self, known: dict[str, int], *, counted: bool) -> sparse.csr_array:
        """Tell which known words stand in which region, float64 (n_regions, n_words): ones, or how often."""
        from scipy import sparse

        pairs = [
            (tag, known[word])
            for tag, name in enumerate(self.tags.names.tolist())
            for word in (*name.split("=", 1), name)
            if word in known
        ]
        tag, word = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        shape = (len(self.tags.names), len(known))
        holds = sparse.csr_array((np.ones(len(pairs)), (tag, word)), shape=shape)
        counts = sparse.csr_array(self.histogram() @ holds)
        if not counted:
            counts.data[:] = 1.0
        return counts


def gather_places(view: View) -> Places:
    """Read the POIs of a view that have a tag to be compared by, and say which they are (`urbanbench.seen.saw`)."""
    pois = view.pois
    chosen = is_place(tag_table(pois["tags"]))
    tags = key_value_tokens(pois)
    kept = chosen[tags.row]
    used = np.zeros(len(tags.names), dtype=bool)
    used[tags.code[kept]] = True
    tokens = Tokens(tags.row[kept], tags.code[kept], tags.names, tags.n).where(used)
    saw("poi", np.unique(tokens.row), of=tokens.n)
    return Places(tokens, region_rows(view, pois["region_id"].tolist()), len(view.region_ids))


def region_words(model: MuseCL, places: Places, *, seed: int) -> tuple[np.ndarray, StageLog]:
    """Train word2vec on the POIs' words and return each region's mean over its distinct words.

    Returns
    -------
    vectors
        float32 (n_regions, dim); zeros for a region without a word that has a vector.
    log
        Of the training.
    """
    sentences = places.sentences()
    net, log = train_words(model, sentences, seed=seed)
    known = dict(net.wv.key_to_index) if net is not None else {}
    if net is None or not known:
        return np.zeros((places.n_regions, model.dim), dtype=np.float32), log
    counts = places.words_of_regions(known, counted=model.poi_mean == "counts")
    total = np.asarray(counts.sum(axis=1)).reshape(-1, 1)
    return np.asarray(counts @ net.wv.vectors / np.maximum(total, 1), dtype=np.float32), log


def train_words(model: MuseCL, sentences: list[list[str]], *, seed: int) -> tuple[Word2Vec | None, StageLog]:
    """Train gensim's word2vec (CBOW, negative sampling); None where no word occurs often enough.

    The log has the loss that training lowers, on a fixed sample of POIs, before and after every epoch.
    """
    from gensim.models import Word2Vec

    chance = (1 + NEGATIVE) * float(np.log(2))
    log = StageLog("words", 0, 0, own_chance=chance, own_held_out_chance=chance)
    began = time.perf_counter()
    rng = generator(seed, "musecl", "words")
    ordered = [sentences[one] for one in rng.permutation(len(sentences))]
    net = Word2Vec(
        vector_size=model.dim,
        window=WINDOW,
        negative=NEGATIVE,
        min_count=model.word_min_count,
        seed=integer_seed(seed, "musecl", "word vectors") % 2**32,
        workers=1,  # several would not repeat
    )
    net.build_vocab(ordered)
    if not len(net.wv):
        log.skipped = f"no word occurs {model.word_min_count} times in {len(sentences)} POIs"
        record(log)
        return None, log
    judged = Judged(net, ordered[:JUDGED], rng)
    log.checks.append((0, judged.loss()))
    with tracking(f"learn {len(net.wv)} words", model.word_epochs) as bar:
        told = _AfterEpochs(log, judged, bar)
        net.train(ordered, total_examples=len(ordered), epochs=model.word_epochs, callbacks=[told])
    log.best_step = log.planned_steps = log.epochs = model.word_epochs
    log.ended, log.converged, log.judged = EPOCHS, settled([loss for _, loss in log.checks]), JUDGED_BY
    log.seconds = time.perf_counter() - began
    record(log)
    return net, log


class _AfterEpochs:
    """Checks the loss after every epoch; gensim calls the four methods."""

    def __init__(self, log: StageLog, judged: Judged, bar: Bar) -> None:
        self.log, self.judged, self.bar = log, judged, bar

    def on_epoch_end(self, net: Word2Vec) -> None:
        del net
        self.log.checks.append((len(self.log.checks), self.judged.loss()))
        self.bar.advance()

    def on_train_begin(self, net: Word2Vec) -> None:
        """Do nothing."""

    on_train_end = on_epoch_begin = on_train_begin


class Judged:
    """Fixed words with their neighbours and noise, on which the loss of word2vec is computed.

    Parameters
    ----------
    net
        Its vocabulary is built.
    sentences
        Sentences to take words from.
    rng
        Draws the noise, in proportion to count^0.75.
    """

    def __init__(self, net: Word2Vec, sentences: list[list[str]], rng: np.random.Generator) -> None:
        self.net = net
        codes = [[net.wv.key_to_index[one] for one in part if one in net.wv] for part in sentences]
        sample = [
            (part[place], part[max(0, place - WINDOW) : place] + part[place + 1 : place + 1 + WINDOW])
            for part in codes
            for place in range(len(part))
            if len(part) > 1
        ]
        self.word = np.array([word for word, _ in sample], dtype=np.int64)
        self.context = np.array([one for _, around in sample for one in around], dtype=np.int64)
        self.of = np.repeat(np.arange(len(sample)), [len(around) for _, around in sample])
        counts = np.array([net.wv.get_vecattr(one, "count") for one in net.wv.index_to_key]) ** 0.75
        self.noise = rng.choice(len(counts), size=(len(sample), NEGATIVE), p=counts / counts.sum())

    def loss(self) -> float:
        """Return the mean of -ln p(h·o) - Σ ln p(-h·o'), h being the mean of the neighbours' vectors (Mikolov et al. 2013, Eq. 4)."""
        hidden = np.zeros((len(self.word), self.net.vector_size))
        np.add.at(hidden, self.of, self.net.wv.vectors[self.context])
        hidden /= np.maximum(np.bincount(self.of, minlength=len(self.word)), 1)[:, None]
        right = np.einsum("bd,bd->b", hidden, self.net.syn1neg[self.word])
        wrong = np.einsum("bd,bkd->bk", hidden, self.net.syn1neg[self.noise])
        each = np.logaddexp(0, -right) + np.logaddexp(0, wrong).sum(axis=1)
        return float(each.mean()) if len(each) else float("nan")
