"""The leaderboard in a notebook: its tables, and the page."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.api import pages
from urbanbench.api.choosing import chosen_results
from urbanbench.api.results import Results, direction
from urbanbench.api.words import listed
from urbanbench.counted import counted

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.terminal import Screen

__all__ = ["Leaderboard", "leaderboard"]

Names = str | Sequence[str]
_KINDS = {".md": "md", ".csv": "csv", ".tex": "tex", ".html": "html"}
_MOST_TABLES = 12


@dataclass(frozen=True, eq=False, repr=False)
class Leaderboard:
    """Tables of results, floors included.

    Parameters
    ----------
    told
        What the results say, as `urbanbench.board.render` takes it.
    published, each_training
        As there.
    """

    told: tuple[dict[str, Any], ...]
    published: bool = False
    each_training: bool = False

    def to(
        self,
        format: str,  # noqa: A002 - the word of the command line
        *,
        pivot: bool = False,
        screen: Screen | None = None,
    ) -> str:
        """Return the whole board.

        Parameters
        ----------
        format
            "md", "csv", "tex", "html", or "text" for a terminal.
        pivot
            Whether tables are models by tasks.
        screen
            The terminal that text is for.

        Raises
        ------
        UnknownName
            Another format.
        """
        from urbanbench.board import render

        return render(
            self.told,
            format=format,
            published=self.published,
            each_training=self.each_training,
            pivot=pivot,
            screen=screen,
        )

    def pages(self, format: str = "md") -> dict[str, str]:  # noqa: A002 - as above
        """Return a page for each city and task, and one that leads to them: path in a folder to text.

        Parameters
        ----------
        format
            "md" (the first page is README.md) or "html" (index.html).

        Raises
        ------
        UnknownName
            Another format.
        """
        from urbanbench.board.pages import render_pages

        return render_pages(
            self.told, format=format, published=self.published, each_training=self.each_training
        )

    def save_pages(self, folder: Path | str, format: str = "md") -> Path:  # noqa: A002 - as above
        """Write `pages` into a folder and return the first one; what else lies there stays.

        Raises
        ------
        UnknownName
            Another format than "md" or "html".
        """
        from urbanbench.atomic import write_text

        written = self.pages(format)
        for place, text in written.items():
            write_text(Path(folder) / place, text)
        return Path(folder) / next(iter(written))

    def save(self, path: Path | str) -> Path:
        """Write the board into a file of the kind its suffix names, and return where.

        Raises
        ------
        UnknownName
            Another suffix than .md, .csv, .tex or .html.
        """
        from urbanbench.atomic import write_text

        file = Path(path)
        text = self.to(_KINDS.get(file.suffix.lower(), file.suffix or "none"))
        write_text(file, text if text.endswith("\n") else text + "\n")
        return file

    @property
    def frame(self) -> pd.DataFrame:
        """Everything the board knows, a result and metric a row: the columns of ``urbanbench leaderboard --format csv``."""
        import pandas as pd

        return pd.read_csv(io.StringIO(self.to("csv")), keep_default_na=True, low_memory=False)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """A table for each city, task, split and inputs: its name to rows of main metric, best mean first.

        Columns: model, kind, head, score, mean, sd, mark ("best" and "same" where chance does not separate a row from the best), below_floor
        (the floor that is above a model).
        """
        return dict(self._tables())

    def _tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        frame = self.frame
        scored = frame[(frame["status"] == "ok") & (frame["metric"] == frame["main_metric"])]
        for names, rows in scored.groupby(
            ["city", "task", "split", "table_inputs", "main_metric"], sort=False, dropna=False
        ):
            *place, metric = map(str, names)
            shown = rows.rename(columns={"model": "name", "label": "model", "std": "sd"})
            shown = shown[["model", "kind", "head", "mean", "sd", "mark", "below_floor"]].drop_duplicates()
            shown.insert(
                3, metric, [pages.spread(*pair) for pair in zip(shown["mean"], shown["sd"], strict=True)]
            )
            shown = shown.sort_values("mean", ascending=direction(metric) < 0, kind="stable")
            yield " · ".join(one for one in place if one != "nan"), shown.reset_index(drop=True)

    def __repr__(self) -> str:
        return f"Leaderboard of {counted(len(self.told), 'result')}; .tables are its tables, .save('board.html') writes the page"

    def _repr_html_(self) -> str:
        tables = self.tables
        parts = []
        for title, table in list(tables.items())[:_MOST_TABLES]:
            parts += [pages.heading(title), pages.table(table.drop(columns=["mean", "sd"]))]
        if len(tables) > _MOST_TABLES:
            parts.append(
                pages.paragraph(
                    f"{_MOST_TABLES} of {len(tables)} tables: .tables has all, .save('board.html') writes the page."
                )
            )
        return "".join(parts)


def leaderboard(
    results: Path | str | Results | None = None,
    *,
    models: Names = (),
    cities: Names = (),
    tasks: Names = (),
    splits: Names = (),
    protocols: Names = (),
    published: bool = False,
    each_training: bool = False,
    by_units: bool = False,
) -> Leaderboard:
    """Show results as tables: floors included, models below a floor flagged.

    Parameters
    ----------
    results
        A folder, or what `urbanbench.run` gave; the reference rows and the runs of one's own, marked, when left out.
    models, cities, tasks, splits, protocols
        Only these, names and globs.
    published
        Whether the numbers of papers stand beside ours.
    each_training
        Whether each training of a model has a row of its own.
    by_units
        Whether bold sets rest on predictions, unit by unit, where they and the units' places are at hand, as `compare` judges; else on scores alone, whatever is
        at hand.

    Raises
    ------
    DataMissing
        No such folder, or no result fits.
    """
    from urbanbench.api.comparing import places_of
    from urbanbench.judging.ground import Ground
    from urbanbench.judging.witness import rows_told

    at_hand = [one.raw for one in results] if isinstance(results, Results) else None
    folder = None if results is None or isinstance(results, Results) else Path(results)
    kept = chosen_results(
        folder,
        found=at_hand,
        model=listed(models),
        city=listed(cities),
        task=listed(tasks),
        split=listed(splits),
        protocol=listed(protocols),
    )
    told = rows_told(kept, Ground(places_of) if by_units else None)
    return Leaderboard(tuple(told), published, each_training)
