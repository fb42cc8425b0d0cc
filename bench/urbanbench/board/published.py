"""The UrbanMFM paper's printed numbers and what is listed of UGBench, for display beside ours and never ranked.

The papers used other cities' extracts, regions, labels and splits, so their numbers are no target. Notes in the data say
where UrbanMFM's own rows repeat or contradict each other. UGBench's cities are none that can be asked about here, so its numbers stand beside
the same task in any city.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files

from urbanbench.board.numbers import PLUS_MINUS

__all__ = [
    "CITATION",
    "LISTED_TASKS",
    "LISTED_TITLE",
    "UGBENCH",
    "Published",
    "for_row",
    "for_task",
    "listed_for",
    "read_published",
]

CITATION = (
    "Z. Zhang, M. Xie, P. Balsebre, W. Huang, S. Luo, G. Cong: UrbanMFM: Spatial Graph-based Multiscale Foundation Models "
    "for Learning Generalized Urban Representation"
)
LISTED_TITLE = "Published, UGBench in its own cities, as a third party lists it (model, inputs and candidates not known; for display, never ranked)"
UGBENCH = (
    "Figures of UGBench (arXiv 2602.08342) are as a third party lists them. Which model they are of, whether it saw pictures, texts or graphs, how many candidates a query had "
    "and how these were drawn is not known, so chance is not known either; cities, texts and graphs are others. Of UGE on Qwen2.5-VL-7B the abstract claims gains of up to 44 % in "
    "image retrieval and 30 % in geolocation in cities of training, and of over 30 % and 22 % in held-out ones; in which measure and over whom is not known. Its authors state that fine distances and directions stay weak. For display only, never ranked."
)
"""What has to be said beside figures of UGBench."""
LISTED_TASKS = ("geolocation", "image-retrieval", "spatial-grounding")
"""Tasks that UGBench's figures or claims are about."""
_FILE, _LISTED = "published_urbanmfm.csv", "published_ugbench.csv"
_UNIFIED = frozenset({"poi", "polygon"})


@dataclass(frozen=True)
class Published:
    """One printed number.

    Parameters
    ----------
    table
        Roman number of the paper's table.
    task, city, model, metric
        What it is for; tasks and metrics in our names, models in the paper's.
    setting
        "full", "unified" (POIs and polygons only), "ablation" or "adaptability"; of UGBench what is asked, and of which kind of city.
    mean, std
        As printed; std is "" where the paper gives none.
    unit
        "percent", a unit, "not stated" or "".
    source, note
        Citation with table; what is odd about the number.
    """

    table: str
    task: str
    city: str
    setting: str
    model: str
    metric: str
    mean: str
    std: str
    unit: str
    source: str
    note: str

    @property
    def text(self) -> str:
        """The number in our scale, with the paper's digits: F1 as a share of 1."""
        spread = f" {PLUS_MINUS} {self._scaled(self.std)}" if self.std else ""
        return f"{self._scaled(self.mean)}{spread}"

    @property
    def value(self) -> float:
        """The mean in our scale."""
        return float(self._scaled(self.mean))

    @property
    def scaled_std(self) -> str:
        """The standard deviation in our scale as text, "" where there is none."""
        return str(self._scaled(self.std)) if self.std else ""

    def _scaled(self, printed: str) -> Decimal:
        number = Decimal(printed)
        return number.scaleb(-2) if self.unit == "percent" else number


@cache
def read_published() -> tuple[Published, ...]:
    """Read the UrbanMFM paper's numbers, in the order of the package's data file."""
    return _read(_FILE)


@cache
def _read(file: str) -> tuple[Published, ...]:
    text = files("urbanbench.board").joinpath(file).read_text(encoding="utf-8")
    return tuple(Published(**row) for row in csv.DictReader(text.splitlines()))


def for_task(task: str, city: str, metrics: Iterable[str]) -> list[Published]:
    """Return the numbers of a task in a city for some metrics; names match whatever their case and separators."""
    wanted = set(metrics)
    return [one for one in _by_place().get((_plain(task), _plain(city)), ()) if one.metric in wanted]


def listed_for(task: str, metrics: Iterable[str]) -> list[Published]:
    """Return what is listed of UGBench for a task, in whatever city.

    Examples
    --------
    >>> [(one.city, one.text) for one in listed_for("geolocation", ["hit@5"])]
    [('new_york', '0.5885')]
    """
    wanted = set(metrics)
    return [one for one in _read(_LISTED) if one.task == task and one.metric in wanted]


@cache
def _by_place() -> dict[tuple[str, str], list[Published]]:
    """Return (task, city) -> its numbers, both names plain."""
    found: dict[tuple[str, str], list[Published]] = {}
    for one in read_published():
        found.setdefault((_plain(one.task), _plain(one.city)), []).append(one)
    return found


def for_row(numbers: Sequence[Published], model: str, inputs: frozenset[str]) -> dict[str, Published]:
    """Return metric -> number of one of our rows: the unified setting's for POIs and polygons, else the full setting's."""
    setting = "unified" if inputs == _UNIFIED else "full"
    return {
        one.metric: one for one in numbers if _plain(one.model) == _plain(model) and one.setting == setting
    }


@lru_cache(maxsize=1024)
def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())
