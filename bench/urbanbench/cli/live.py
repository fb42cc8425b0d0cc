"""The cells of a run as a table that lives while they run: what is done, what runs and for how long, what waits, and the time left."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from urbanbench.cli.outcome import ProgressLines, named, outcome
from urbanbench.counted import counted
from urbanbench.progress import running, shown_by_one, span, time_left

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

    from urbanbench.result import RunResult
    from urbanbench.run.order import Order
    from urbanbench.run.planning.forecast import Forecast

__all__ = ["LiveTable"]

_DONE, _WAITING = 6, 4
"""Cells of each kind that are shown where there is room: the last that ended, and the next ones."""
_REFRESH_PER_S = 2.0
_STYLE = {"ok": "green", "kept": "dim", "refused": "yellow", "failed": "bold red"}


class LiveTable(ProgressLines):
    """A table on stderr, redrawn while cells run; when it ends, a line for every cell that was refused or failed stays.

    Parameters
    ----------
    orders
        All cells of the run.
    forecast
        Tells the time that is left.
    console
        What is drawn on; stderr when left out.
    """

    def __init__(
        self, orders: Iterable[Order], forecast: Forecast, *, console: Console | None = None
    ) -> None:
        self._waiting = {order.cell.run_id: order for order in orders}
        super().__init__(len(self._waiting), forecast)
        self._now: dict[str, Order] = {}
        self._ended: deque[tuple[str, str, str]] = deque(maxlen=_DONE)
        self._guard, self._open, self._console = threading.RLock(), ExitStack(), console

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self._open.enter_context(shown_by_one())
        self._open.enter_context(
            Live(
                get_renderable=self._drawn,
                console=self._console or Console(stderr=True),
                refresh_per_second=_REFRESH_PER_S,
                transient=True,
                redirect_stdout=False,
            )
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def began(self, order: Order) -> None:
        """Take in that a cell runs now."""
        with self._guard:
            super().began(order)
            self._waiting.pop(order.cell.run_id, None)
            self._now[order.cell.run_id] = order

    def __call__(self, result: RunResult, new: bool) -> None:
        """Take in how a cell ended; one without scores has a line that stays above the table."""
        from urbanbench.result import OK

        with self._guard:
            self._waiting.pop(result.run_id, None)
            self._now.pop(result.run_id, None)
            word = result.status if new or result.status != OK else "kept"
            self._ended.append((word, named(result), outcome(result, new)))
            if result.status != OK:
                super().__call__(result, new)
                return
            self.done += 1
            self.forecast.took(result, new)

    def _drawn(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        with self._guard:
            left = self.forecast.left(time_left())
            head = f"{self.done} of {counted(self.total, 'cell')} done"
            told = f"{head}, {left}" if str(left) else head
            return Group(Text(told, style="bold", overflow="fold"), self._table(), *self._stages())

    def _stages(self) -> list[RenderableType]:
        """Return how far the training of this process is, a line for each part of it."""
        from rich.text import Text

        return [Text(f"  {one}", style="cyan", overflow="ellipsis", no_wrap=True) for one in running()]

    def _table(self) -> Table:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=False)
        made.add_column("")
        made.add_column("cell", overflow="fold", ratio=3)
        made.add_column("score, or time", overflow="fold", ratio=2)
        for word, name, said in self._ended:
            made.add_row(
                Text("done" if word == "ok" else word, style=_STYLE.get(word, "")), Text(name), Text(said)
            )
        for run_id, seconds in self.forecast.running().items():
            if run_id in self._now:
                made.add_row(
                    Text("runs", style="cyan"),
                    Text(str(self._now[run_id].cell)),
                    self._so_far(run_id, seconds),
                )
        for order in list(self._waiting.values())[:_WAITING]:
            made.add_row(
                Text("waits", style="dim"), Text(str(order.cell), style="dim"), self._expected(order)
            )
        if (more := len(self._waiting) - _WAITING) > 0:
            made.add_row("", Text(f"and {more} more that wait", style="dim"), "")
        return made

    def _so_far(self, run_id: str, seconds: float) -> Text:
        from rich.text import Text

        expected = self.forecast.seconds_of(self._now[run_id])
        if expected is None:
            return Text(f"{span(seconds)} so far, of unknown length")
        over = "" if seconds <= expected else ", longer than before"
        return Text(f"{span(seconds)} of about {span(expected)}{over}")

    def _expected(self, order: Order) -> Text:
        from rich.text import Text

        expected = self.forecast.seconds_of(order)
        return Text("unknown" if expected is None else f"about {span(expected)}", style="dim")
