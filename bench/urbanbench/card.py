"""ModelCard and TaskCard: what a plugin says of itself, readable without importing anything heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from urbanbench.errors import BadInput, UnknownName
from urbanbench.inputs import INPUTS
from urbanbench.items import MODALITIES
from urbanbench.units import ITEM, LEVELS

__all__ = [
    "GIVEAWAYS",
    "KINDS",
    "LABEL_KINDS",
    "RETRIEVAL",
    "TRANSFERS",
    "WITHHOLDABLE",
    "ModelCard",
    "TaskCard",
]

RETRIEVAL = "retrieval"
LABEL_KINDS = ("regression", "classification", "composition")
"""Kinds of labels, and of the tasks that ask for one."""

KINDS = (*LABEL_KINDS, RETRIEVAL)

GIVEAWAYS: Mapping[str, str] = {
    "coordinates": "where the place lies, as numbers",
    "name": "names of the place and of what lies around it",
    "street": "the street it lies on",
    "district": "the part of the city it lies in",
    "category": "what the place itself is, as a tag or word",
}
"""What the query side of a retrieval task may not tell of the answer, and what the words mean."""

TRANSFERS: Mapping[str, str] = {
    "": "it does not say",
    "inductive": "what it learns in one city embeds another",
    "fixed": "it learns nothing from a city, so its vectors are the same wherever it comes from",
    "transductive": "what it learns belongs to the things of the city it was trained on",
}
"""Whether a model can embed a city that it was not trained on, and what the word means."""

WITHHOLDABLE: Mapping[str, str] = {
    "landuse": "the land-use layer and every tag with the key 'landuse'",
    "target_building": "all tags of the buildings the task labels, and the POIs that lie inside them",
}


@dataclass(frozen=True)
class ModelCard:
    """What a model is, what it needs and what it gives.

    Parameters
    ----------
    title
        Name for people, for example "UrbanMFM".
    summary
        One sentence.
    year
        Year of the paper; 0 where there is none.
    paper
        Citation with DOI or arXiv number; "" for floors.
    code
        Address of the authors' code with its licence, or "".
    needs
        Inputs without which the model refuses to run.
    can_use
        Further inputs it uses when they are there.
    needs_any
        Inputs of which one at least must be there; it uses all that are.
    embeds
        Levels it can embed; and "image", "text" and "graph" for each kind of item of a retrieval task that it has a tower for. All towers of a
        model give vectors of one space.
    differs_from_paper
        One sentence per difference between this implementation and the paper.
    floor
        True for a reference that learns no representation.
    family
        Word that stands for several floors which are run only when they are asked for, by it or by name ("attribution"), or beside tasks of
        one kind alone ("retrieval"); a floor without one stands beside every model.
    head
        Name of the only head that makes sense for it (`mean` for the mean floor); "" lets the run choose.
    extra
        Name of the optional dependency group it needs, or "".
    version
        Raised whenever the same parameters give other vectors than before; results of an earlier version are computed again.
    trained
        False where no seed changes the vectors, as of frozen encoders: of several trainings one is then run, and boards call its rows frozen. Floors need
        not say it.
    transfers
        A word of `TRANSFERS`: whether it can embed a city it was not trained on. An "inductive" model has `Model.learn` and
        `Model.embed_with`.
    transfers_why
        The reason in a few words, which a refusal tells.

    Raises
    ------
    UnknownName
        An input, a level or a word of `TRANSFERS` that does not exist.
    BadInput
        An input listed twice, a version that is no whole number >= 1, or "transductive" without a reason.
    """

    title: str
    summary: str
    needs: tuple[str, ...]
    embeds: tuple[str, ...]
    can_use: tuple[str, ...] = ()
    needs_any: tuple[str, ...] = ()
    year: int = 0
    paper: str = ""
    code: str = ""
    differs_from_paper: tuple[str, ...] = ()
    floor: bool = False
    family: str = ""
    head: str = ""
    extra: str = ""
    version: int = 1
    trained: bool = True
    transfers: str = ""
    transfers_why: str = ""

    def __post_init__(self) -> None:
        _check_version(self.title, self.version)
        self._check_transfers()
        for name in ("needs", "embeds", "can_use", "needs_any", "differs_from_paper"):
            _tuple_of_text(self, name)
        listed = (*self.needs, *self.can_use, *self.needs_any)
        for name in listed:
            if name not in INPUTS:
                raise UnknownName("input", name, INPUTS)
        for level in self.embeds:
            if level not in (*LEVELS, *MODALITIES):
                raise UnknownName("level", level, (*LEVELS, *MODALITIES))
        twice = sorted({name for name in listed if listed.count(name) > 1})
        if twice:
            msg = f"Card of {self.title!r} lists {twice} under two of needs, can_use and needs_any. Expected each input once."
            raise BadInput(msg)

    def _check_transfers(self) -> None:
        if self.transfers not in TRANSFERS:
            kind = "word for transfer"
            raise UnknownName(kind, self.transfers, [word for word in TRANSFERS if word])
        if self.transfers == "transductive" and not self.transfers_why:
            msg = f"Card of {self.title!r} says transfers='transductive' and not why. Expected a reason for those who ask. Mend: transfers_why=\"its vectors are those of the city's own regions\"."
            raise BadInput(msg)

    @property
    def moves(self) -> bool:
        """Whether it can embed a city it was not trained on."""
        return self.transfers in {"inductive", "fixed"}

    @property
    def seeded(self) -> bool:
        """Whether another seed is another training."""
        return self.trained and not self.floor

    @property
    def inputs(self) -> frozenset[str]:
        """Everything the model needs or can use."""
        return frozenset(self.needs) | frozenset(self.can_use) | frozenset(self.needs_any)


@dataclass(frozen=True)
class TaskCard:
    """What a task asks and what would leak its answer.

    Parameters
    ----------
    title
        Name for people, for example "Population density".
    question
        The question in plain words.
    label
        Name of the label in a city's folder; "" where a retrieval task makes its questions of the city itself.
    kind
        "regression", "classification", "composition" or "retrieval".
    level
        Level of the labelled units; "item" for a retrieval.
    version
        Raised whenever scores before and after cannot be compared.
    withholds
        Words of `WITHHOLDABLE`: what no model may see because it gives the answer away.
    log1p
        True when heads model log1p of the target (in the target's base unit) instead of the target itself.
    note
        What a reader of the score should know.
    query, candidates
        Of a retrieval: what a query and a candidate may consist of, words of `urbanbench.items.MODALITIES`. A model takes part that has a
        tower for one of each.
    positive
        Of a retrieval: which candidate is right, in words.
    leaks
        Of a retrieval: words of `GIVEAWAYS` that no query and no picture's graph may tell of its answer.
    layers
        Of a retrieval: layers of a city's folder that its questions are made of.

    Raises
    ------
    UnknownName
        A kind, level or word that does not exist.
    BadInput
        A retrieval that does not say what is asked, what is chosen from and what is right, or another kind that does.
    """

    title: str
    question: str
    label: str = ""
    kind: str = ""
    level: str = "region"
    version: int = 1
    withholds: tuple[str, ...] = field(default=())
    log1p: bool = False
    note: str = ""
    query: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    positive: str = ""
    leaks: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_version(self.title, self.version)
        for name in ("withholds", "query", "candidates", "leaks", "layers"):
            _tuple_of_text(self, name)
        if self.kind not in KINDS:
            raise UnknownName("task kind", self.kind, KINDS)
        if self.level not in (*LEVELS, ITEM):
            raise UnknownName("level", self.level, (*LEVELS, ITEM))
        for word in self.withholds:
            if word not in WITHHOLDABLE:
                raise UnknownName("withheld part", word, WITHHOLDABLE)
        _check_retrieval(self)


def _check_retrieval(card: TaskCard) -> None:
    for word in (*card.query, *card.candidates):
        if word not in MODALITIES:
            raise UnknownName("part of an item", word, MODALITIES)
    for word in card.leaks:
        if word not in GIVEAWAYS:
            raise UnknownName("word for what gives an answer away", word, GIVEAWAYS)
    declared = (bool(card.query), bool(card.candidates), bool(card.positive), card.level == "item")
    if card.kind == RETRIEVAL and not all(declared):
        msg = (
            f"Card of {card.title!r} is a retrieval with query={card.query}, candidates={card.candidates}, positive={card.positive!r} and level={card.level!r}. "
            "Expected what is asked, what is chosen from, and which is right. "
            'Mend: level="item", query=("image",), candidates=("text",), positive="the words for where the picture was taken".'
        )
        raise BadInput(msg)
    if card.kind != RETRIEVAL and any((*declared, card.leaks, card.layers)):
        msg = f"Card of {card.title!r} is a {card.kind} that says what a retrieval says (level 'item', query, candidates, positive, leaks or layers). Expected them of kind 'retrieval' alone. Mend: kind='retrieval'."
        raise BadInput(msg)


def _check_version(title: str, version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        msg = f"Card of {title!r} has version {version!r}. Expected a whole number >= 1. Mend: version=1, raised when numbers change."
        raise BadInput(msg)


def _tuple_of_text(card: ModelCard | TaskCard, name: str) -> None:
    """Refuse a field that is no tuple of words: a text would be read letter by letter. A list becomes a tuple."""
    value = getattr(card, name)
    if isinstance(value, list):
        object.__setattr__(card, name, tuple(value))
        value = tuple(value)
    if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
        mend = f"({value!r},)" if isinstance(value, str) and value else "()"
        msg = (
            f"Card of {card.title!r} has {name}={value!r}. Expected a tuple of words, got {type(value).__name__}. "
            f"Mend: {name}={mend}."
        )
        raise BadInput(msg)
