"""Cities in a notebook: what a folder holds as tables, and maps of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.api import pages
from urbanbench.api.pictures import Picture
from urbanbench.city.city import City

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ShownCity", "load_city"]

_TOLD = ("source", "date", "licence", "attribution")


@dataclass(frozen=True, eq=False, repr=False)
class ShownCity(City):
    """A city that shows itself; see `urbanbench.city.city.City` for its frames of regions, POIs, buildings and all others."""

    @property
    def word(self) -> str:
        """What the command line calls it: a name, or the path of its folder."""
        from urbanbench.registry import city_word_of

        return city_word_of(self.path)

    @property
    def layer_table(self) -> pd.DataFrame:
        """The layers, one a row: name, kind of pictures, source, date, licence, attribution."""
        import pandas as pd

        rows = [
            {name: getattr(one, name) for name in ("name", "kind", *_TOLD)} for one in self.layers.values()
        ]
        return pd.DataFrame(rows, columns=["name", "kind", *_TOLD])

    @property
    def label_table(self) -> pd.DataFrame:
        """The labels, one a row: name, kind, level, unit, source, date, licence, attribution."""
        import pandas as pd

        names = ["name", "kind", "level", "unit", *_TOLD]
        return pd.DataFrame(
            [{name: getattr(one, name) for name in names} for one in self.labels.values()], columns=names
        )

    @property
    def tasks(self) -> pd.DataFrame:
        """What can be asked of the city, one task a row: its name, question, kind, level, and what is withheld from models."""
        import pandas as pd

        from urbanbench.card import TaskCard
        from urbanbench.registry import entries, label_tasks

        named = {entry.name: entry.card for entry in entries("task") if isinstance(entry.card, TaskCard)}
        asked = {name: card for name, card in named.items() if card.label in self.labels} | label_tasks(
            self.word
        )
        rows = [
            {
                "task": name,
                "question": card.question,
                "kind": card.kind,
                "level": card.level,
                "withholds": ", ".join(card.withholds),
            }
            for name, card in asked.items()
        ]
        return pd.DataFrame(rows, columns=["task", "question", "kind", "level", "withholds"])

    def map(self, label: str | None = None) -> Picture:
        """Draw the city with its regions coloured by a label.

        Parameters
        ----------
        label
            Name of a label, ``label:column`` for a share of a composition; None takes the first label of regions that has numbers.
        """
        from urbanbench.city.drawing.maps import draw_map

        title = f"Map of {self.title or self.name}" + (f", {label}" if label else "")
        return Picture(title, partial(draw_map, self, column=label))

    def _repr_html_(self) -> str:
        layers, labels = self.layer_table[["name", "licence", "attribution"]], self.label_table
        parts = [
            pages.heading(self.title or self.name),
            pages.paragraph(f"{len(self.regions):,} regions, {self.crs}; city {self.word!r}"),
            pages.table(layers),
            pages.table(labels[["name", "kind", "level", "unit"]]),
            self.map().to_html(),
        ]
        return "".join(parts)


def load_city(city: str | Path | City) -> ShownCity:
    """Open a city.

    Parameters
    ----------
    city
        A name (``"singapore"`` below the folder that URBANBENCH_DATA names, ``"toyville:tiny"``), the path of a city folder, or an opened city.

    Raises
    ------
    UnknownName, DataMissing, CityFaults
        No such city; no folder there; a folder with faults.
    """
    from urbanbench.registry import city_folder
    from urbanbench.registry.objects import city_word_for

    if isinstance(city, ShownCity):
        return city
    if isinstance(city, City):
        given: dict[str, Any] = {one.name: getattr(city, one.name) for one in fields(City) if one.init}
        return ShownCity(**given)
    return ShownCity.open(city_folder(city_word_for(city)))
