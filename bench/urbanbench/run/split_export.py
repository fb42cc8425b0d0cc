"""The splits of a task in a city, by the ids of units."""

from __future__ import annotations

from urbanbench.registry import load_task, open_city, plain_name
from urbanbench.run.split_ground import targets_for
from urbanbench.scoring.block_size import resolve_block_size
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.split_file import SplitFile
from urbanbench.scoring.splits import has_blocks, make_splits, split_name
from urbanbench.task import labelled_targets

__all__ = ["exported_splits"]


def exported_splits(
    task: str, city: str, split: str, seeds: tuple[int, ...], block_size_m: float | None = None
) -> SplitFile:
    """Cut the units of a task as a run does.

    Raises
    ------
    UnknownName, DataMissing, PluginBroken
        No such task, city or split.
    RunRefused
        The city has no such label, or no such column to group by.
    BadInput
        The label cannot be split so.
    """
    asked, opened = load_task(task, city), open_city(city)
    split = split_name(split)
    targets = targets_for(split, labelled_targets(asked, opened), opened, asked.card.label)
    size = block_size_m if has_blocks(split) else None
    protocol = Protocol(split, seeds=seeds, block_size_m=size, fractions=asked.protocol.fractions)
    splits = make_splits(targets, protocol)
    facts = {
        "city": plain_name("city", city),
        "task": plain_name("task", task),
        "label": asked.card.label,
        "level": asked.card.level,
        "units": len(targets),
        "split": split,
    }
    if has_blocks(split):
        facts["block_size_m"] = resolve_block_size(targets, protocol)
    return SplitFile.of(targets, seeds, splits, **facts)
