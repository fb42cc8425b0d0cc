"""BibTeX of what is behind a table: every card's paper is read, the file parses, and BibTeX itself takes it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from urbanbench.card import ModelCard
from urbanbench.citing.entry import Entry, bibtex, keyed
from urbanbench.citing.methods import METHODS, methods_cited
from urbanbench.citing.reading import read_citations
from urbanbench.citing.tools import TITLE
from urbanbench.cli.app import main
from urbanbench.registry import entries

ROOT = Path(__file__).resolve().parents[2]
PAPERS = {
    entry.name: entry.card
    for entry in entries("model")
    if isinstance(entry.card, ModelCard) and entry.card.paper
}


def parsed(text):
    """Read a .bib file by hand: key to (kind, fields), braces counted; what stands outside of entries must be comments."""
    found, place = {}, 0
    for match in re.finditer(r"^@(\w+)\{([^,\s]+),\n", text, re.MULTILINE):
        outside = text[place : match.start()]
        assert all(not line.strip() or line.startswith("%") for line in outside.splitlines()), outside
        place, depth = match.end(), 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[place], 0) if text[place - 1] != "\\" else 0
            place += 1
        body = text[match.end() : place - 1]
        fields = dict(re.findall(r"^  (\w+)\s*= \{(.*)\},$", body, re.MULTILINE))
        assert match.group(2) not in found
        found[match.group(2)] = (match.group(1), fields)
    assert "@" not in text[place:]
    return found


@pytest.mark.parametrize("name", sorted(PAPERS))
def test_every_card_is_cited_with_authors_title_and_year(name):
    card = PAPERS[name]
    for one in read_citations(card.paper, card.year):
        assert re.search(r"[A-Z]\w+", one.fields["author"]) or card.paper.startswith(one.fields["title"])
        assert len(one.fields["title"]) > 5
        assert re.fullmatch(r"(19|20)\d\d", one.fields["year"])
        assert "arXiv" not in one.fields["title"]
        assert one.fields["title"] in card.paper
    named = set(re.findall(r"\d{4}\.\d{5}", card.paper))
    assert {one.fields["eprint"] for one in read_citations(card.paper) if "eprint" in one.fields} == named


@pytest.mark.parametrize(
    ("text", "kind", "fields"),
    [
        (
            "A, B: A title with a colon: and more (CIKM 2021), arXiv:2108.13092",
            "inproceedings",
            {
                "author": "A and B",
                "title": "A title with a colon: and more",
                "booktitle": "CIKM",
                "year": "2021",
            },
        ),
        (
            "A: A title. ISPRS Journal of Things 196 (2023), doi:10.1016/j.x.2022.11.021",
            "article",
            {"journal": "ISPRS Journal of Things", "volume": "196", "doi": "10.1016/j.x.2022.11.021"},
        ),
        ("A: A title, WWW 2024, arXiv:2310.18340", "inproceedings", {"title": "A title", "booktitle": "WWW"}),
        ("A et al.: A title, arXiv:2507.22291", "misc", {"author": "A and others", "year": "2025"}),
        ("A: A title (2019), arXiv:1908.10084", "misc", {"title": "A title", "year": "2019"}),
    ],
    ids=["brackets", "journal", "comma", "preprint", "year alone"],
)
def test_forms_of_citations_are_understood(text, kind, fields):
    [one] = read_citations(text)
    assert one.kind == kind
    assert fields.items() <= one.fields.items()


def test_several_citations_in_one_text_are_several_entries():
    found = read_citations(
        "A et al.: First, arXiv:2507.22291; B: Second (GeoAI 2021); in C: Third (GeoAI 2023), doi:10.1/x"
    )
    assert [one.fields["title"] for one in found] == ["First", "Second", "Third"]


def test_what_would_break_an_entry_is_written_otherwise():
    evil = Entry("misc", "k", {"title": "50 % of a_b & {c} \\input{x} $y$ #1\n}@evil{", "note": "x" * 9})
    text = bibtex([("T", [evil])], ["No citation of a@b\n@misc{z,"])
    found = parsed(text)
    assert list(found) == ["k"]
    assert found["k"][1]["title"].count("{") == found["k"][1]["title"].count("}")


def test_one_work_is_cited_once_and_keys_are_unique():
    one = Entry("misc", "a2020x", {"title": "T", "year": "2020", "doi": "10.1/A"})
    same = Entry("misc", "b", {"title": "T other", "doi": "10.1/a"})
    other = Entry("misc", "a2020x", {"title": "Another", "year": "2020"})
    assert [entry.key for entry in keyed([one, same, other])] == ["a2020x", "a2020xb"]


NAMED = re.compile(
    r"(?P<first>(?:Le )?[A-Z][\w-]+)(?P<rest>(?:,? (?:and|et al\.|[A-Z][\w-]+),?)*) \(?(?P<year>(?:19|20)\d\d)\b"
)
ROOMS = ("judging", "residuals", "board/judged.py", "report", "scoring/splits", "scoring/block_size.py")


def works_named():
    """Return first author and year of every work that the rooms of statistics name."""
    package = ROOT / "bench" / "urbanbench"
    files = [
        file
        for room in ROOMS
        for file in ([package / room] if room.endswith("py") else (package / room).rglob("*.py"))
    ]
    return {
        (found["first"], found["year"])
        for file in files
        for found in NAMED.finditer(file.read_text(encoding="utf-8"))
    }


def test_every_statistic_that_is_named_in_the_code_is_cited():
    cited = {
        (method.paper.partition(":")[0].partition(",")[0], one.fields["year"])
        for method in METHODS
        for one in read_citations(method.paper)
    }
    named = works_named()
    assert {("Müller", "2022"), ("Mogstad", "2024"), ("Holm", "1979"), ("Linnenbrink", "2024")} <= named
    assert named <= cited


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.paper.partition(":")[0][:20])
def test_a_statistic_is_cited_with_authors_title_year_and_what_it_is_for(method):
    [one] = read_citations(method.paper)
    assert one.fields["author"].split(" and ")[0] == method.paper.partition(":")[0].partition(",")[0]
    assert one.fields["title"] in method.paper
    assert re.fullmatch(r"(19|20)\d\d", one.fields["year"])
    assert one.fields.get("journal") or one.fields.get("booktitle")
    assert method.used


def test_statistics_of_a_split_are_cited_where_rows_have_it():
    def authors(*rungs):
        return " ".join(entry.fields["author"] for entry in methods_cited(rungs))

    assert "Müller and Watson" in authors("random")
    assert "Linnenbrink" in authors("knndm", "random")
    assert "Linnenbrink" not in authors("random")
    assert "Roberts" in authors("buffered")
    assert "Cressie" in authors("block")


@pytest.fixture
def cited(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["-m", "hgi,urban2vec,poi-counts", "-c", "toyville", "-t", "popdensity"]
    assert main(["cite", str(ROOT / "results"), *words, "-o", "refs.bib"]) == 0
    return tmp_path / "refs.bib"


def test_a_table_is_cited_with_models_data_and_tools(cited):
    found = parsed(cited.read_text(encoding="utf-8"))
    titles = " ".join(fields["title"] for _, fields in found.values())
    assert "hierarchical graph infomax" in titles
    assert "Urban2Vec" in titles
    assert "SpaBERT" not in titles
    assert "PyTorch" in titles
    assert "Spatial Correlation Robust Inference" in titles
    assert TITLE in titles
    assert any("of Toyville" in fields.get("note", "") for _, fields in found.values())


def test_bibtex_takes_it(cited):
    if shutil.which("bibtex") is None:
        pytest.skip("bibtex is not installed, so nothing says whether it takes the file")
    (cited.parent / "x.aux").write_text(
        "\\citation{*}\n\\bibstyle{plain}\n\\bibdata{refs}\n", encoding="utf-8"
    )
    done = subprocess.run(["bibtex", "x"], cwd=cited.parent, capture_output=True, text=True, check=False)
    assert "error message" not in done.stdout, done.stdout
    assert (cited.parent / "x.bbl").read_text(encoding="utf-8", errors="replace").count("\\bibitem") == len(
        parsed(cited.read_text(encoding="utf-8"))
    )


def test_a_city_that_is_not_here_and_a_model_nobody_knows_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("URBANBENCH_DATA", str(tmp_path))
    assert main(["cite", str(ROOT / "results"), "-c", "helsinki", "-t", "popdensity"]) == 0
    out = capsys.readouterr().out
    assert "% Data of helsinki: its folder is not on this machine." in out
    parsed(out)


def test_the_data_of_a_city_is_cited_from_where_its_rows_say_that_it_lies(
    tiny_toyville_without_pictures, tmp_path, capsys
):
    for name in ("otherville", "elsewhere"):
        shutil.copytree(tiny_toyville_without_pictures, tmp_path / name)
        words = (tmp_path / name / "city.json").read_text(encoding="utf-8")
        told = json.loads(words.replace('"source": "', f'"source": "{name} office, ')) | {"name": name}
        (tmp_path / name / "city.json").write_text(json.dumps(told), encoding="utf-8")
    runs = tmp_path / "runs"
    words = ["-m", "poi-counts", "-t", "popdensity", "--head", "ridge", "--seeds", "2", "--no-floors"]
    places = ["-c", str(tmp_path / "otherville"), "--train-city", str(tmp_path / "elsewhere")]
    assert main(["run", *words, *places, "--out", str(runs)]) == 0
    capsys.readouterr()
    assert main(["cite", str(runs)]) == 0
    out = capsys.readouterr().out
    assert "not on this machine" not in out
    titles = " ".join(fields["title"] for _, fields in parsed(out).values())
    assert "otherville office" in titles
    assert "elsewhere office" in titles


def test_the_citation_file_is_valid_and_says_what_the_package_says():
    import tomllib

    import yaml

    told = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(told)
    assert told["cff-version"] == "1.2.0"
    assert told["type"] == "software"
    assert (str(told["version"]), told["license"]) == (project["version"], project["license"])
    assert told["title"] == TITLE
    assert [one["name"] for one in told["authors"]] == [one["name"] for one in project["authors"]]
