"""``urbanbench cache``: what is kept, why a run would not use it, and how to be rid of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.printing import note, print_json, print_table, say
from urbanbench.counted import counted
from urbanbench.isolated.environment import FOLDER, told_of

if TYPE_CHECKING:
    from urbanbench.cache import CacheEntry
    from urbanbench.cli.cache_parts import CachePart

__all__ = ["app"]

app = typer.Typer(
    help="Look into the cache: embeddings, features, training.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("ls")
def list_entries(as_json: options.Json = False) -> None:
    """List cached embeddings, features of frozen encoders, trained stages, readings of floors, environments of plugins, built cities and downloads; of each the newest first."""
    from urbanbench.cache import EmbeddingCache
    from urbanbench.cli.cache_parts import GUESTS, PARTS, cache_parts
    from urbanbench.home import cache_root

    entries, kinds = EmbeddingCache().entries(), PARTS | GUESTS
    parts = [part for kind in kinds for part in cache_parts(cache_root(), kind)]
    rows = [*map(_row, entries), *map(_part_row, parts)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table((row.values() for row in rows), list(rows[0]))  # type: ignore[misc]
    sizes = {"embeddings": [entry.size_bytes for entry in entries]}
    sizes |= {word: [part.size_bytes for part in parts if part.kind == kind] for kind, word in kinds.items()}
    there = {kind: one for kind, one in sizes.items() if one or kind == "embeddings"}
    told = ", ".join(f"{len(one)} {kind} ({sum(one) / 1e6:.1f} MB)" for kind, one in there.items())
    note(f"{told} in {cache_root()}")


@app.command()
def explain(
    model: Annotated[
        str, typer.Option("--model", "-m", help="Model: a name or a path.", autocompletion=completing.models)
    ],
    city: options.City = "toyville",
    task: Annotated[
        str,
        typer.Option(
            "--task", "-t", help="Task whose units and withholding count.", autocompletion=completing.tasks
        ),
    ] = "",
    inputs: Annotated[
        str, typer.Option("--inputs", help="Inputs the model may see.", autocompletion=completing.inputs)
    ] = "full",
    preset: options.Preset = "",
    settings: options.Settings = [],  # noqa: B006 - typer reads the default, nothing changes it
    model_seed: Annotated[
        int, typer.Option("--model-seed", min=0, help="Seed of the model's own training.")
    ] = 0,
    train_city: options.LearnCity = "",
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Say whether a run would find its vectors in the cache, and if not, what differs from the nearest entry."""
    from urbanbench.cache import EmbeddingCache, differences
    from urbanbench.cli.cache_parts import has_part
    from urbanbench.home import cache_root
    from urbanbench.registry import city_word
    from urbanbench.result import RunSpec
    from urbanbench.run.embedding import key_of
    from urbanbench.run.workbench import Workbench

    spec = RunSpec(
        model,
        task,
        city_word(city),
        preset,
        options.read_settings(settings),
        inputs=inputs,
        model_seed=model_seed,
        train_city=city_word(train_city) if train_city else "",
    )
    cache = EmbeddingCache()
    key = key_of(spec, Workbench(options.read_device(device)))
    nearest = cache.nearest(key)
    changed = differences(nearest.key, key) if nearest is not None else {}
    facts = {"label": key.label, "digest": key.digest, "cached": nearest is not None and not changed}
    learned = key.parts.get("learned")
    if learned:
        facts["learned"] = has_part(cache_root(), "learned", str(learned))
    if as_json:
        near = nearest.digest if nearest is not None else None
        print_json(
            facts | {"nearest": near, "differences": {name: list(pair) for name, pair in changed.items()}}
        )
        return
    say(_explanation(key.label, nearest, changed))
    if learned:
        state = (
            "is in the cache" if facts["learned"] else "is not in the cache, so the model would learn first"
        )
        say(f"What it learned in {train_city} {state} ({str(learned)[:10]}).")


@app.command()
def prune(
    older_than: Annotated[
        float, typer.Option("--older-than", min=0, help="Only entries older than this many days.")
    ] = 0.0,
    keep_gb: Annotated[
        float | None,
        typer.Option("--keep-gb", min=0, help="Keep the newest entries of each kind up to this size in GB."),
    ] = None,
    cities: Annotated[
        bool, typer.Option("--cities", help="Remove built cities too; they are built again when needed.")
    ] = False,
    downloads: Annotated[
        bool, typer.Option("--downloads", help="Remove what `data fetch` has fetched too.")
    ] = False,
) -> None:
    """Remove cached embeddings, features, checkpoints and environments: all, or the old ones, or what is over a size; and what killed processes left."""
    import shutil

    from urbanbench.cache import EmbeddingCache, sweep_cache
    from urbanbench.cli.cache_parts import PARTS, cache_parts, check_clock, prune_parts
    from urbanbench.home import cache_root

    kept = [part.stored for kind in PARTS for part in cache_parts(cache_root(), kind)]
    check_clock([*kept, *(entry.stored for entry in EmbeddingCache().entries())], older_than)
    if left := sweep_cache(cache_root()):
        say(f"Removed {counted(left, 'temporary file')} that killed processes had left.")
    gone = EmbeddingCache().prune(older_than_days=older_than, keep_gb=keep_gb)
    say(f"Removed {len(gone)} embeddings, {sum(entry.size_bytes for entry in gone) / 1e6:.1f} MB.")
    for kind, word in PARTS.items():
        removed = prune_parts(cache_parts(cache_root(), kind), older_than_days=older_than, keep_gb=keep_gb)
        if removed:
            say(f"Removed {len(removed)} {word}, {sum(part.size_bytes for part in removed) / 1e6:.1f} MB.")
    for asked, room, word in ((cities, "cities", "built cities"), (downloads, "downloads", "downloads")):
        if asked:
            shutil.rmtree(cache_root() / room, ignore_errors=True)
            say(f"Removed all {word}.")


def _row(entry: CacheEntry) -> dict[str, Any]:
    facts = entry.facts
    return {
        "kind": "embedding",
        "digest": entry.digest[:10],
        "what": entry.key.label,
        "shape": f"{facts.get('units', '?')} x {facts.get('dim', '?')}",
        "mb": f"{entry.size_bytes / 1e6:.1f}",
        "embed_seconds": f"{facts.get('seconds', 0.0):.1f}",
        "stored_utc": _utc(entry.stored),
    }


def _part_row(part: CachePart) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "digest": part.path.stem[:10],
        "what": _what(part),
        "shape": "",
        "mb": f"{part.size_bytes / 1e6:.1f}",
        "embed_seconds": "",
        "stored_utc": _utc(part.stored),
    }


def _what(part: CachePart) -> str:
    """Name a folder: its encoder, its city or recipe, what an environment was built for, or how many checkpoints it holds."""
    if part.kind in {"weights", "cities", "downloads", "unsaved"}:
        return part.path.name
    if part.kind == FOLDER:
        return told_of(part.path)
    return counted(len(list(part.path.glob("*.safetensors"))), "checkpoint") if part.path.is_dir() else ""


def _utc(stored: float) -> str:
    return datetime.fromtimestamp(stored, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")


def _explanation(label: str, nearest: CacheEntry | None, changed: dict[str, tuple[Any, Any]]) -> str:
    if nearest is None:
        return f"{label}: not cached; there is no embedding of this model yet."
    if not changed:
        return f"{label}: cached as {nearest.digest[:10]}."
    lines = [
        f"{label}: not cached. The nearest entry, {nearest.digest[:10]} ({nearest.key.label}), differs in:"
    ]
    return "\n".join(
        [*lines, *(f"  {name}: {old!r} there, {new!r} now" for name, (old, new) in changed.items())]
    )
