"""Embedders of the library srai as models: ``srai:Hex2VecEmbedder``, or ``srai:module:Class`` for one of your own."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.errors import BadInput, UnknownName
from urbanbench.hashing import code_digest, short
from urbanbench.model import Model
from urbanbench.models._srai.known import Known, known
from urbanbench.models._srai.library import embedder_class, installed_versions
from urbanbench.models._srai.parameters import Parameter, parameters_of

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

__all__ = ["COLUMNS", "LAYERS", "SraiModel", "model_class"]

LAYERS = ("poi", "polygon", "road")
COLUMNS = ("tags", "flags")


@dataclass(frozen=True)
class SraiModel(Model):
    """An embedder of srai; the fields of a subclass are these and the embedder's own parameters.

    Parameters
    ----------
    layers
        Inputs whose objects are features: "poi", "polygon" (buildings), "road"; those that a run masks are left out.
    columns
        How tags become columns: "tags" for text, one column a key; "flags" for 0 and 1, one column a key and value.
    osm_filter
        srai's filter of the tags that are read: HEX2VEC_FILTER, BASE_OSM_GROUPS_FILTER, GEOFABRIK_LAYERS or OSM_WAY_TAGS.
    keys
        Keys that are read with all their values in place of the filter; empty for the filter.
    """

    layers: tuple[str, ...] = ("poi",)
    columns: str = "tags"
    osm_filter: str = "HEX2VEC_FILTER"
    keys: tuple[str, ...] = ()

    embedder: ClassVar[type]
    about: ClassVar[Known]
    own: ClassVar[tuple[Parameter, ...]]

    def __post_init__(self) -> None:
        """Check the fields of the adapter; the embedder checks its own.

        Raises
        ------
        UnknownName
            A layer or kind of columns that does not exist.
        """
        for layer in self.layers:
            allowed = [one for one in LAYERS if one in self.card.inputs]
            if layer not in allowed:
                raise UnknownName("layer", layer, allowed)
        if self.columns not in COLUMNS:
            kind = "kind of columns"
            raise UnknownName(kind, self.columns, COLUMNS)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Convert the view, fit the embedder on all regions and return the rows asked for; regions without features are not covered."""
        import numpy as np

        from urbanbench.models._srai.frames import frames_of
        from urbanbench.models._srai.training import region_vectors
        from urbanbench.space import EmbeddingSpace

        frames = frames_of(
            view, layers=self.layers, columns=self.columns, osm_filter=self.osm_filter, keys=self.keys
        )
        vectors = region_vectors(
            self.embedder, frames, self._settings(), seed=seed, device=device, chance=self.about.chance
        )
        covered = frames.occupied
        vectors[~covered] = 0
        row_of = {one: row for row, one in enumerate(view.region_ids)}
        rows = np.array([row_of[one] for one in units.ids], dtype=np.int64)
        return EmbeddingSpace(units.level, np.array(units.ids), vectors[rows], covered[rows])

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the versions of what runs, the features that can be seen, and the code of an embedder that is not srai's."""
        made = {**installed_versions(), "features": "+".join(one for one in self.layers if view.has(one))}
        if self.embedder.__module__.partition(".")[0] != "srai":
            made["embedder"] = short(code_digest(Path(inspect.getfile(self.embedder))))
        return made

    def knows_place(self) -> str:
        """Say whether the embedder mixes what lies in neighbouring regions into a vector."""
        return self.about.place

    def _settings(self) -> dict[str, dict[str, Any]]:
        """Return keyword arguments by who takes them; empty tuples and None leave the embedder its defaults."""
        made: dict[str, dict[str, Any]] = {"__init__": {}, "fit": {}, "trainer": {}, "dataloader": {}}
        for one in self.own:
            value = getattr(self, one.name)
            if value is not None and value != ():
                made[one.method][one.name] = list(value) if isinstance(value, tuple) else value
        return made


def model_class(name: str) -> type[SraiModel]:
    """Make the model class of an embedder.

    Parameters
    ----------
    name
        A class of srai.embedders, or ``module:Class``.

    Raises
    ------
    ExtraMissing
        srai is not installed, or polars is too new for it.
    UnknownName, BadInput
        No such class, or one that cannot run here.
    """
    embedder = embedder_class(name)
    about = known(name, embedder)
    own = tuple(parameters_of(embedder, about.defaults))
    taken = {one.name for one in dataclasses.fields(SraiModel)} & {one.name for one in own}
    if taken:
        msg = f"{embedder.__name__} has the parameter {min(taken)!r}, which is a setting of the adapter. Expected another name. Rename it in a subclass."
        raise BadInput(msg)
    fields = [(one.name, one.kind, dataclasses.field(default=one.default)) for one in own]
    adapted = [
        ("layers", tuple[str, ...], dataclasses.field(default=about.layers)),
        ("columns", str, dataclasses.field(default=about.columns)),
        ("osm_filter", str, dataclasses.field(default=about.osm_filter)),
    ]
    body = {
        "__module__": __name__,
        "__doc__": about.card.summary,
        "card": about.card,
        "presets": {} if about.card.floor else {"small": {}, "paper": {}},
        "embedder": embedder,
        "about": about,
        "own": own,
    }
    return dataclasses.make_dataclass(
        embedder.__name__, [*adapted, *fields], bases=(SraiModel,), namespace=body, frozen=True
    )
