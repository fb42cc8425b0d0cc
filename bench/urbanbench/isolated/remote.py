"""The model that stands here for a plugin in its own environment: it is asked as any other, and asks the plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from urbanbench.card import ModelCard
from urbanbench.cost import used_elsewhere
from urbanbench.errors import BadInput, Conformance, PluginBroken
from urbanbench.home import cache_root
from urbanbench.isolated.environment import Environment, prepared
from urbanbench.isolated.guest import Guest
from urbanbench.isolated.making import LEARNED, SEEN, UNITS, VECTORS
from urbanbench.isolated.needs import Needs
from urbanbench.learned import Learned
from urbanbench.model import Model
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.kept.reading import was_made, was_read
from urbanbench.toolkit.kept.weight_counts import counts_elsewhere
from urbanbench.toolkit.training.checkpoint import checkpoint_folder
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.units import Units

__all__ = ["Elsewhere", "remote_model"]


@dataclass(frozen=True, eq=False)
class Elsewhere(Model):
    """A plugin in its own environment, with a preset and settings.

    Parameters
    ----------
    preset, settings
        As `urbanbench.model.Model.from_settings` takes them.
    """

    preset: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    guest: ClassVar[Guest]
    own: ClassVar[frozenset[str]]
    plugin_file: ClassVar[Path]
    environment: ClassVar[Environment]
    answers: ClassVar[dict[tuple[Any, ...], Any]]

    @classmethod
    def from_settings(cls, preset: str = "", settings: Mapping[str, str] | None = None) -> Self:
        """Choose parameters; raises as the plugin's own `from_settings` does."""
        made = cls(preset, tuple(sorted((settings or {}).items())))
        made.parameters()
        return made

    def parameters(self) -> dict[str, Any]:
        """Return what the plugin says of its parameters."""
        return dict(self._asked("parameters"))

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Let the plugin represent units of what the view shows, which it gets as files."""
        return self._embedded("embed", view, units, seed, device, None)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Let the plugin learn from a city."""
        if "learn" not in self.own:
            return super().learn(view, seed=seed, device=device)
        with self.guest.answer_folder() as out:
            self._make("learn", view, out, seed=seed, device=device, learned="")
            return Learned.load(_plain(out / LEARNED))[0]

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Let the plugin represent units of any city with what was learned in one."""
        if "embed_with" not in self.own:
            return super().embed_with(learned, view, units=units, seed=seed, device=device)
        return self._embedded("embed_with", view, units, seed, device, learned)

    def variant(self, view: View) -> Mapping[str, str]:
        """Return what the plugin says stands in for the paper's parts."""
        return dict(self._asked("variant", view)) if "variant" in self.own else super().variant(view)

    def lacks(self, view: View) -> tuple[str, ...]:
        """Return what the plugin says that it leaves out here."""
        if "lacks" not in self.own:
            return super().lacks(view)
        said = self._asked("lacks", view)
        return (said,) if isinstance(said, str) else tuple(said)

    def knows_place(self) -> str:
        """Return how the plugin says that vectors tell where a unit lies."""
        return str(self._asked("knows_place")) if "knows_place" in self.own else super().knows_place()

    def _asked(self, what: str, view: View | None = None) -> Any:
        """Ask once for the same parameters and view."""
        key = (what, self.preset, self.settings, view.key if view is not None else "")
        if key not in self.answers:
            self.answers[key] = self.guest.ask(what, view, **self._chosen())
        return self.answers[key]

    def _chosen(self) -> dict[str, Any]:
        return {"preset": self.preset, "settings": dict(self.settings)}

    def _embedded(
        self, do: str, view: View, units: Units, seed: int, device: str, learned: Learned | None
    ) -> EmbeddingSpace:
        with self.guest.answer_folder() as out:
            (out / UNITS).write_text(json.dumps([units.level, list(units.ids)]), encoding="utf-8")
            if learned is not None:
                learned.save(out / LEARNED)
            told = self._make(do, view, out, seed=seed, device=device, learned=str(out / LEARNED))
            if told["returned"]:
                msg = f"{type(self).__name__}.{do} returned {told['returned']}. Expected EmbeddingSpace(units.level, units.ids, vectors, covered)."
                raise Conformance(msg)
            return _read_space(out / VECTORS, told)

    def _make(self, do: str, view: View, out: Path, **words: Any) -> Mapping[str, Any]:
        """Let the plugin make something, and count here what it touched, used, trained and read there."""
        checkpoints = checkpoint_folder()
        told: Mapping[str, Any] = self.guest.ask(
            do,
            view,
            out=str(out),
            cache=str(cache_root()),
            checkpoints=str(checkpoints) if checkpoints is not None else "",
            **words,
            **self._chosen(),
        )
        view.count_touched(told["touched"])
        for kind in told["seen"]:
            saw(kind, _column(out / SEEN / f"{kind}.parquet", "used").astype(bool))
        for stage in told["stages"]:
            record(StageLog.from_fields(stage))
        for key in told["made"]:
            was_made(key)
        for key, (part, seconds) in told["read"].items():
            was_read(key, part, seconds)
        counts_elsewhere(told["weights"])
        used_elsewhere(float(told["peak_rss_mb"]), told["peak_gpu_mb"])
        return told


def remote_model(needs: Needs, word: str) -> type[Elsewhere]:
    """Return the model class that stands for a plugin that states dependencies.

    Parameters
    ----------
    needs
        What it states.
    word
        How it was named, for messages.

    Raises
    ------
    EnvironmentFaulty
        Its environment cannot be built.
    PluginBroken
        It does not load there.
    """
    environment = prepared(needs)
    guest = Guest(needs, environment, word)
    try:
        told = guest.ask("describe")
    except BaseException:
        guest.close(wait_s=0)
        raise
    if not told["frozen"]:
        guest.close(wait_s=0)
        msg = f"{told['name']} is no frozen dataclass. Expected its fields to be its parameters. Mend: @dataclass(frozen=True) above the class."
        raise PluginBroken(msg)
    card: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told["card"].items()
    }
    facts = {
        "__doc__": told["doc"],
        "__module__": __name__,
        "card": ModelCard(**card),
        "presets": told["presets"],
        "guest": guest,
        "own": frozenset(told["own"]),
        "plugin_file": needs.file,
        "environment": environment,
        "answers": {},
    }
    return type(told["name"], (Elsewhere,), facts)


def _plain(path: Path) -> Path:
    """Return a file of an answer; a link, which may lead anywhere, is none."""
    if path.is_symlink() or not path.is_file():
        msg = f"The answer of the plugin has no file {path.name!r}. Expected what it made."
        raise Conformance(msg)
    return path


def _column(path: Path, name: str) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(_plain(path)).read()[name].to_numpy(zero_copy_only=False)


def _read_space(path: Path, told: Mapping[str, Any]) -> EmbeddingSpace:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(_plain(path)).read()
        lists = table["vector"].combine_chunks()
        vectors = np.asarray(lists.flatten().to_numpy(zero_copy_only=False)).reshape(
            len(table), lists.type.list_size
        )
        ids = np.array(table["id"].to_pylist(), dtype=np.str_)
        covered = table["covered"].to_numpy()
    except (pa.ArrowException, KeyError, ValueError) as error:
        msg = f"The answer of the plugin cannot be read ({error}). Expected a table of vectors."
        raise BadInput(msg) from error
    parts = {name: (first, end) for name, (first, end) in told["parts"].items()}
    return EmbeddingSpace(told["level"], ids, vectors, covered, parts)
