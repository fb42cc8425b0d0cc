"""The model contract: one `embed` that sees a View and returns an EmbeddingSpace."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_type_hints

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, Conformance, UnknownName

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

__all__ = ["Model", "identifying_parameters", "later", "setting_text", "settings_between"]

_LATER = "later"


class Model(ABC):
    """A representation model. Write one as a frozen dataclass whose fields are its hyper-parameters.

    The rules: fields hold parameters only, with the paper's values as defaults; `embed` reads nothing but the view, never
    changes it, uses no randomness but the seed's, and returns a row for every unit asked for, in that order; units without
    data get a zero row and ``covered=False``. Heavy packages are imported inside `embed` or in private files, ``_<name>_net.py`` or a folder ``_<name>/``.

    Examples
    --------
    A whole model: how many shops, restaurants and other POIs a region holds.

    >>> from dataclasses import dataclass
    >>> from urbanbench.card import ModelCard
    >>> from urbanbench.model import Model
    >>> @dataclass(frozen=True)
    ... class ShopCounts(Model):
    ...     keys: tuple[str, ...] = ("shop", "amenity")
    ...     card = ModelCard(title="Shop counts", summary="Counts POIs by key.", needs=("poi",), embeds=("region",))
    ...
    ...     def embed(self, view, *, units, seed, device):
    ...         import numpy as np
    ...         from urbanbench.space import EmbeddingSpace
    ...         row_of = {one: row for row, one in enumerate(units.ids)}
    ...         counts = np.zeros((len(units), len(self.keys)), dtype=np.float32)
    ...         for region, tags in zip(view.pois["region_id"], view.pois["tags"]):
    ...             for column, key in enumerate(self.keys):
    ...                 if region in row_of and key in dict(tags):
    ...                     counts[row_of[region], column] += 1
    ...         return EmbeddingSpace("region", units.ids, counts)
    >>> ShopCounts().parameters()
    {'keys': ['shop', 'amenity']}

    Saved as ``shop_counts.py`` it runs with ``urbanbench run -m ./shop_counts.py -t popdensity``. A model that leaves objects out says
    how many it used: `urbanbench.seen.saw`.
    """

    card: ClassVar[ModelCard]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Named sets of parameters; learned models have "small" and "paper"."""

    @abstractmethod
    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Represent units.

        Parameters
        ----------
        view
            All that may be seen of the city.
        units
            Level and ids wanted.
        seed
            Seed of everything random in the model.
        device
            A torch device, "cpu" or "cuda".
        """

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Learn from one city what serves in others; a model whose card says "inductive" has this and `embed_with`.

        The law: ``embed_with(learn(view), view)`` gives the bits of ``embed(view)``. A "fixed" model learns nothing, which is what this
        does as it stands.

        Parameters
        ----------
        view
            All that may be seen of the city to learn from; of the others nothing is.
        seed, device
            As in `embed`.

        Raises
        ------
        Conformance
            The card promises what the model does not have.
        """
        from urbanbench.learned import Learned

        del view, seed, device
        if self.card.transfers != "fixed":
            raise Conformance(_no_transfer(self, "learn"))
        return Learned()

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Represent units of any city with what was learned in one; nothing is trained here.

        Parameters
        ----------
        learned
            What `learn` gave, in this process or another.
        view, units, seed, device
            As in `embed`.

        Raises
        ------
        Conformance
            As `learn`.
        """
        del learned
        if self.card.transfers != "fixed":
            raise Conformance(_no_transfer(self, "embed_with"))
        return self.embed(view, units=units, seed=seed, device=device)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name what stands in for the paper's parts in this run, for example ``{"text": "minilm-l6"}``; recorded in the result."""
        del view
        return {}

    def lacks(self, view: View) -> tuple[str, ...]:
        """Say what of the paper's model this run leaves out or replaces because the city, or the run's inputs, have no data for it.

        Short phrases that stand in the row's name, such as ``"no stage road"``; a row that lacks something is not counted among the
        learned models of a table. Nothing that a parameter asks for belongs here.
        """
        del view
        return ()

    def knows_place(self) -> str:
        """Say how a vector tells where its unit lies, such as ``"position encoding"``; "" where it tells what is there and no more.

        Only what these parameters make is meant. A row that used the input `coordinates` counts as knowing in any case.
        """
        return ""

    def parameters(self) -> dict[str, Any]:
        """Return the hyper-parameters as a JSON-like mapping."""
        return {f.name: _plain(getattr(self, f.name)) for f in _fields(type(self)) if f.init}

    @classmethod
    def from_settings(cls, preset: str = "", settings: Mapping[str, str] | None = None) -> Self:
        """Build the model from a preset and ``--set name=value`` words.

        Parameters
        ----------
        preset
            Name of a preset; "" takes the fields' defaults. A model without presets accepts any name.
        settings
            Parameter name to its text; numbers, booleans, None and comma lists are read by the field's annotation.

        Raises
        ------
        UnknownName
            No such preset or parameter.
        BadInput
            A text that does not fit the parameter's type.
        """
        if preset and cls.presets and preset not in cls.presets:
            raise UnknownName("preset", preset, cls.presets)
        chosen = dict(cls.presets.get(preset, {}))
        known = {f.name for f in _fields(cls) if f.init}
        for name, text in (settings or {}).items():
            if name not in known:
                kind = f"parameter of {cls.__name__}"
                raise UnknownName(kind, name, known)
            chosen[name] = _read(name, text, get_type_hints(cls)[name])
        return cls(**chosen)


def _no_transfer(model: Model, method: str) -> str:
    name, word = type(model).__name__, model.card.transfers
    return (
        f"{name} was asked for what it learns in one city to embed another, and has no method {method!r} of its own (its card says "
        f"transfers={word!r}). Expected both `learn` and `embed_with` of an inductive model. Mend: write them, or transfers='fixed' where nothing is learned."
    )


def later(default: Any) -> Any:
    """Declare a field that a model was given when results of it were already kept, with the value that changes nothing.

    While it has this value it is no part of what identifies a result, so earlier results stay those of today's cells.
    """
    return dataclasses.field(default=default, metadata={_LATER: True})


def identifying_parameters(model: Model) -> dict[str, Any]:
    """Return the parameters that identify a model's results: all but those declared with `later` that have their default."""
    fields = _fields(type(model))
    same = {f.name for f in fields if f.metadata.get(_LATER) and getattr(model, f.name) == f.default}
    return {name: value for name, value in model.parameters().items() if name not in same}


def settings_between(usual: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Write the parameters that are not the usual ones as the words of ``--set``.

    Examples
    --------
    >>> settings_between({"dim": 64, "keys": ["shop"]}, {"dim": 64, "keys": ["shop", "office"]})
    (('keys', 'shop,office'),)
    """
    return tuple(
        (name, setting_text(value))
        for name, value in sorted(wanted.items())
        if usual.get(name, _LATER) != value
    )


def setting_text(value: Any) -> str:
    """Write a parameter's value as ``--set`` reads it: true, false and none in small letters, lists with commas."""
    if isinstance(value, list | tuple):
        return ",".join(map(setting_text, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


_WORDS = {"true": True, "false": False, "none": None}


def _read(name: str, text: str, kind: Any) -> Any:
    """Read a parameter's text as its annotation says."""
    kinds = [one for one in getattr(kind, "__args__", (kind,)) if one is not Ellipsis]
    origin = getattr(kind, "__origin__", None)
    if origin is tuple:
        return tuple(_read(name, part.strip(), kinds[0]) for part in text.split(",") if part.strip())
    if text.lower() in _WORDS and (bool in kinds or type(None) in kinds):
        return _WORDS[text.lower()]
    for one in (int, float):
        if one in kinds:
            try:
                return one(text)
            except ValueError:
                continue
    if str in kinds:
        return text
    names = " or ".join(getattr(one, "__name__", str(one)) for one in kinds)
    msg = f"Parameter {name!r} got {text!r}. Expected {names}. For example --set {name}=VALUE."
    raise BadInput(msg)
