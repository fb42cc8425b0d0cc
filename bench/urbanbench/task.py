"""The task contract: a declaration; targets and evaluation are inherited."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from urbanbench.errors import RunRefused
from urbanbench.scoring.protocol import Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from urbanbench.card import TaskCard
    from urbanbench.city.city import City
    from urbanbench.scoring.evaluate import Scores
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace

__all__ = ["Task", "base_unit_factor", "labelled_targets", "unit_positions"]

_KIND_ENTRY: dict[str, dict[str, object]] = {
    "classification": {"unit": "class"},
    "composition": {"kind": "composition", "columns": ["CLASS", "CLASS"]},
}
_BASE_UNIT = {"thousand": 1_000.0, "million": 1_000_000.0}


class Task:
    """A question asked of a city: which label, at which level, what must be hidden, how it is scored.

    A task is two class attributes. It runs on any city whose folder has its label.

    Examples
    --------
    >>> from urbanbench.card import TaskCard
    >>> from urbanbench.task import Task
    >>> class Noise(Task):
    ...     card = TaskCard(title="Noise", question="How loud is a region by day?", label="noise", kind="regression")
    """

    card: ClassVar[TaskCard]
    protocol: ClassVar[Protocol] = Protocol()

    def targets(self, city: City) -> Targets:
        """Read the label of a city.

        Returns
        -------
        Targets
            Units in the order of their ids, values, positions (easting, northing) in metres, groups and parcels where the label has them.
            Street views without parcels have the point they were taken at, so that no split tests on the other side of a known street.

        Raises
        ------
        RunRefused
            The city has no such label, or has it at another level or of another kind.
        """
        from urbanbench.scoring.targets import Targets

        self._check_label(city)
        label = city.labels[self.card.label]
        frame = city.label(self.card.label)
        classes = label.columns if self.card.kind == "composition" else label.classes
        base = base_unit_factor(label.unit)
        return Targets(
            ids=frame.index.to_numpy(dtype=object),
            level=self.card.level,
            kind=self.card.kind,
            values=_values(frame, self.card.kind, classes),
            classes=tuple(sorted(set(frame["value"])))
            if self.card.kind == "classification"
            else tuple(classes),
            unit=label.unit,
            xy=unit_positions(city, self.card.level, frame.index),
            groups=_column(frame, "group"),
            parcels=_parcels(city, self.card.level, frame),
            support=_column(frame, "n"),
            log1p_scale=base if self.card.log1p else None,
            report_log_scale=base,
        ).in_order()

    def _check_label(self, city: City) -> None:
        card, name = self.card, self.card.label
        if name not in city.labels:
            known = ", ".join(sorted(city.labels)) or "none"
            msg = f"City {city.name!r} has no label {name!r}. Its labels: {known}. {_how_to_add(card, (city.path / _file_of(name)).is_file())}"
            raise RunRefused(msg)
        label = city.labels[name]
        if (label.level, label.kind) != (card.level, card.kind):
            msg = (
                f"Label {name!r} of city {city.name!r} does not fit the task. "
                f"Expected a {card.kind} label of level {card.level}, got {label.kind} of level {label.level}. "
                f"Mend its entry in city.json, or choose a task for such a label."
            )
            raise RunRefused(msg)

    def evaluate(
        self,
        space: EmbeddingSpace,
        targets: Targets,
        *,
        protocol: Protocol | None = None,
        device: str = "cpu",
    ) -> Scores:
        """Score vectors: heads over all seeds of the protocol at once.

        Parameters
        ----------
        space
            Vectors of at least the targets' units.
        targets
            What `targets` gave.
        protocol
            Split, head and seeds; the task's own when left out.
        device
            Where the head is trained.
        """
        from urbanbench.scoring.evaluate import evaluate

        return evaluate(space, targets, protocol or self.protocol, device=device)


def labelled_targets(task: Task, city: City) -> Targets:
    """Return the targets of a task that labels units, in the order of their ids.

    Raises
    ------
    RunRefused
        The city lacks the label, or the task asks questions in place of labelling units.
    """
    from urbanbench.scoring.targets import Targets

    found = task.targets(city)
    if not isinstance(found, Targets):
        msg = f"Task {task.card.title!r} is a {task.card.kind}: it has questions in place of units with labels, so there is nothing to split or to look for in layers. Expected a task of another kind; its own questions are kept apart by area, which `urbanbench check` looks at."
        raise RunRefused(msg)
    return found.in_order()


def _file_of(label: str) -> str:
    return f"labels/{label}.parquet"


def _how_to_add(card: TaskCard, table_is_there: bool) -> str:
    """Say what a city folder lacks for a label: its table and its entry in city.json, or only the entry."""
    words = {
        "file": _file_of(card.label),
        "level": card.level,
        "unit": "UNIT",
        **_KIND_ENTRY.get(card.kind, {}),
    }
    entry = f'"{card.label}": {json.dumps(words)}'
    if table_is_there:
        return f"{_file_of(card.label)} is there, but city.json does not name it. Mend: add {entry} under 'labels' in city.json."
    return (
        f"Mend: add {_file_of(card.label)}, and {entry} under 'labels' in city.json, or choose another task."
    )


def base_unit_factor(unit: str) -> float:
    """Return what turns a label's unit into its base unit: 1000 for "thousand persons per km2", else 1.

    Examples
    --------
    >>> base_unit_factor("thousand persons per km2"), base_unit_factor("percent")
    (1000.0, 1.0)
    """
    words = unit.split()
    return _BASE_UNIT.get(words[0].lower(), 1.0) if words else 1.0


def _values(frame: pd.DataFrame, kind: str, columns: tuple[str, ...]) -> np.ndarray:
    if kind == "composition":
        return frame[list(columns)].to_numpy(dtype="float64")
    return frame["value"].to_numpy(dtype=object if kind == "classification" else "float64")


def _column(frame: pd.DataFrame, name: str) -> np.ndarray | None:
    return frame[name].to_numpy() if name in frame.columns else None


def _parcels(city: City, level: str, frame: pd.DataFrame) -> np.ndarray | None:
    """Return the label's parcels; for street views without any their `location_id`, or their position where there is none."""
    given = _column(frame, "parcel")
    if given is not None or level != "street_view":
        return given
    import numpy as np

    views = city.street_views.loc[frame.index]
    x, y = views.geometry.x, views.geometry.y
    named = views["location_id"] if "location_id" in views else [None] * len(views)
    points = [
        f"{east:.2f} {north:.2f}" if name is None or name != name else f"point {name}"  # noqa: PLR0124 - NaN
        for name, east, north in zip(named, x, y, strict=True)
    ]
    return np.array(points, dtype=object)


def unit_positions(city: City, level: str, ids: pd.Index | np.ndarray) -> np.ndarray:
    """Return the centroids of units, float64 (n, 2), (easting, northing) in metres of the city's CRS.

    Raises
    ------
    KeyError
        A unit that the city does not have.
    """
    import numpy as np
    import shapely

    frame = {
        "region": lambda: city.regions,
        "building": lambda: city.buildings,
        "poi": lambda: city.pois,
        "street_view": lambda: city.street_views,
    }[level]()
    centres = shapely.centroid(frame.loc[ids, "geometry"].to_numpy())
    return np.column_stack([shapely.get_x(centres), shapely.get_y(centres)])
