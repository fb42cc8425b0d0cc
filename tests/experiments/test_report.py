"""Reports as Markdown, HTML, CSV and picture files."""

from __future__ import annotations

import base64
import csv
import io
import re

import pytest

from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score
from urbanbench.errors import UnknownName
from urbanbench.experiments import Figure, Report, Section
from urbanbench.experiments.kinds.charts import Panel, Trace, dot_figure, line_figure
from urbanbench.experiments.kinds.report import print_report, save_figures


@pytest.fixture
def report():
    table = Table(
        "Numbers",
        (Column("row"), Column("R²", number=True), Column("R², published", number=True, published=True)),
        (
            Line("model", (Entry("=A1"), Entry("0.500 ± 0.100", value=0.5), Entry("0.87", value=0.87))),
            Line("unscored", (Entry("later"), Entry("not run"), Entry())),
        ),
    )
    lines = line_figure(
        "lines",
        "Lines & all",
        [Panel("p", "x", "y", [Trace("a", [0, 1], [1, 2], [0.1, 0.2])], (1.5, "level"))],
    )
    return Report("mine", "Mine", "What?", (Section("first", ("a fact",), (table,), (lines,)),), ("A note.",))


def test_markdown_links_figures_only_where_they_were_written(report, tmp_path):
    text = print_report(report, "md")
    assert "| 0.500 ± 0.100 |" in text
    assert "*Figure: Lines &amp; all*" in text
    assert text.rstrip().endswith("- A note.")
    linked = print_report(report, "md", figures=tmp_path / "my figures")
    assert f"![Lines &amp; all](<{tmp_path.as_posix()}/my%20figures/lines.svg>)" in linked


def test_html_holds_its_figures_and_allows_no_other_pictures(report):
    page = print_report(report, "html")
    assert "img-src data:;" in page
    found = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="Lines &amp; all">', page)
    assert b"<svg" in base64.b64decode(found[1])
    assert '<th scope="col" class="number published-cell">' in page


def test_csv_has_a_line_per_cell_and_no_formulas(report):
    lines = list(csv.DictReader(io.StringIO(print_report(report, "csv"))))
    assert [(one["row"], one["column"], one["published"], one["value"]) for one in lines] == [
        ("'=A1", "R²", "0", "0.5"),
        ("'=A1", "R², published", "1", "0.87"),
        ("later", "R²", "0", ""),
    ]


def test_figures_are_written_twice_alike_as_svg_png_and_pdf(report, tmp_path):
    first, second = (save_figures(report, tmp_path / name) for name in "ab")
    assert [path.name for path in first] == ["lines.svg", "lines.png", "lines.pdf"]
    assert [one.read_bytes() for one in first] == [one.read_bytes() for one in second]
    assert first[1].read_bytes().startswith(b"\x89PNG")


def test_published_dots_have_axes_of_their_own():
    scores = {"random": [Score((0.5, 0.6)), Score(())]}
    figure = dot_figure("d", "D", "R²", ["a", "b"], scores, ("published (Table III)", [None, (0.9, 0.1)]))
    drawn = axes_of(figure)
    assert [axes.get_xlabel() for axes in drawn] == ["R²", "R², published"]
    assert [len(axes.containers) for axes in drawn] == [1, 1]
    assert len(axes_of(dot_figure("d", "D", "R²", ["a", "b"], scores, ("", [None, None])))) == 1


def axes_of(figure: Figure):
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas()
    figure.draw(canvas)
    return canvas.axes


def test_an_unknown_format_is_named(report):
    with pytest.raises(UnknownName, match="Unknown report format 'pdf'"):
        print_report(report, "pdf")
