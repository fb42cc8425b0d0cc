"""The report: results as one HTML page that opens from a file, with filters, plots, maps, and the way back from every number to its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urbanbench.judging.ground import Ground
    from urbanbench.result import RunResult

__all__ = ["make_report"]


def make_report(
    results: Sequence[RunResult],
    *,
    title: str = "",
    published: bool = True,
    maps: bool = True,
    ground: Ground | None = None,
    tell: Callable[[str], None] = lambda _: None,
    state: str = "",
) -> str:
    """Write results as one self-contained HTML page.

    Parameters
    ----------
    results
        As `urbanbench.result_folders.load_results` gives them. Predictions beside their files become maps.
    title
        Heading; "" for the usual one.
    published
        Whether numbers of papers stand beside ours, labelled and never ranked.
    maps
        Whether the cities that are on this machine are opened and drawn.
    ground
        Where units lie: bold sets and ranks rest on predictions, unit by unit, where they and the places are at hand, as `compare` judges; None for scores alone.
    tell
        Told in a line what takes time.
    state
        Of a live page a word for the results it shows; it then asks its server whether there are newer ones.

    Returns
    -------
    str
        The page. The same results, plugins and cities give the same page.
    """
    from urbanbench.report.content import content_of
    from urbanbench.report.html import page_of

    content = content_of(results, title=title, published=published, maps=maps, ground=ground, tell=tell)
    return page_of(content, state=state)
