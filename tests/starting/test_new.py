"""What `urbanbench new` writes passes its check and its own test as it is written."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from urbanbench.cli.app import main
from urbanbench.errors import BadInput, UnknownName
from urbanbench.registry import make_source, plain_name
from urbanbench.run.checking_others import kind_of
from urbanbench.starting.write import start

CITY = "toyville:tiny"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which a newcomer has begun one of each kind."""
    folder = tmp_path_factory.mktemp("newcomer")
    for words in (["model", "shop-counts"], ["task", "noise", "--label", "landuse"], ["city", "hamlet"]):
        assert main(["new", *words, "-o", str(folder)]) == 0
    return folder


def test_the_tests_that_were_written_pass(folder):
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(folder)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["model", "task", "city"])
def test_the_tests_that_were_written_fail_where_the_plugin_is_wrong(broken, tmp_path):
    plugin, test = start(broken, "mine", tmp_path, city=CITY)
    wrong = {
        "model": ("counts[row_of[region]] += [key", "counts[row_of[region]] -= [key"),
        "task": ('level="region"', 'level="building"'),
        "city": ("np.random.default_rng(self.seed)", "np.random.default_rng()"),
    }[broken]
    text = plugin.read_text(encoding="utf-8")
    assert wrong[0] in text
    plugin.write_text(text.replace(*wrong), encoding="utf-8")
    words = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(test)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1, done.stdout + done.stderr


@pytest.mark.parametrize("stem", ["shop_counts", "noise", "hamlet"])
def test_what_was_written_passes_the_check_of_its_kind(folder, stem, capsys):
    assert main(["check", str(folder / f"{stem}.py"), "--no-isolate"]) == 0
    told = capsys.readouterr()
    assert "holds" in told.out + told.err
    assert "keeps its contract" in told.err


def test_a_task_begins_with_the_label_that_was_named_and_hides_what_gives_it_away(folder):
    text = (folder / "noise.py").read_text(encoding="utf-8")
    assert 'label="landuse"' in text
    assert 'kind="classification"' in text
    assert "withholds=('landuse',)" in text


def test_a_city_that_was_written_goes_by_its_path_and_a_size(folder, tmp_path, capsys):
    city = f"{folder / 'hamlet.py'}:tiny"
    words = ["run", "-m", "poi-counts", "-t", "popdensity", "-c", city, "--head", "ridge", "--no-floors"]
    assert main([*words, "--seeds", "2", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "hamlet-tiny" / "popdensity").is_dir()
    assert plain_name("city", city) == "hamlet:tiny"
    with pytest.raises(UnknownName, match=r"Unknown size of .*hamlet.py 'huge'"):
        make_source(f"{folder / 'hamlet.py'}:huge")


@pytest.mark.parametrize("name", ["Shop", "2shops", "shop counts", "../evil", "class", "", "shop/counts"])
def test_a_name_that_is_no_plain_one_is_refused(name, tmp_path):
    with pytest.raises(BadInput, match="no plain one"):
        start("model", name, tmp_path, city=CITY)
    assert not list(tmp_path.iterdir())


def test_names_that_are_taken_and_files_that_are_there_are_left_alone(tmp_path):
    with pytest.raises(BadInput, match=r"registered model 'hgi'.*my-hgi"):
        start("model", "hgi", tmp_path, city=CITY)
    (tmp_path / "test_mine.py").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match=r"test_mine.py' is there already"):
        start("model", "mine", tmp_path, city=CITY)
    assert (tmp_path / "test_mine.py").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "mine.py").exists()


def test_kinds_and_labels_that_do_not_exist_are_told(tmp_path):
    with pytest.raises(UnknownName, match="kind of plugin 'modell'"):
        start("modell", "mine", tmp_path, city=CITY)
    with pytest.raises(UnknownName, match="label of toyville:tiny 'noise'"):
        start("task", "mine", tmp_path, city=CITY, label="noise")


def test_what_a_word_names_is_read_without_running_it(folder, tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text("raise SystemExit\nclass Evil(Task): ...\n", encoding="utf-8")
    words = [folder / "shop_counts.py", folder / "noise.py", f"{folder / 'hamlet.py'}:tiny", evil]
    assert [kind_of(str(word)) for word in words] == ["model", "task", "city", "task"]
    known = ["hgi", "popdensity", "building_function", "label:income", CITY, "nobody"]
    assert [kind_of(word) for word in known] == ["model", "task", "task", "task", "city", "model"]


def test_a_city_with_faults_fails_its_check(tmp_path, capsys):
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "city.json").write_text("{}", encoding="utf-8")
    assert main(["check", str(folder)]) == 1
    assert "broken  City folder" in capsys.readouterr().out


def test_a_task_whose_code_fails_breaks_its_contract(tmp_path, capsys):
    task = tmp_path / "odd.py"
    start("task", "odd", tmp_path, city=CITY)
    task.write_text(
        task.read_text(encoding="utf-8") + "\n    def targets(self, city):\n        return 1 / 0\n",
        encoding="utf-8",
    )
    assert main(["check", str(task)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_a_check_of_a_task_refuses_a_city_that_is_not_there_and_words_for_models(capsys):
    assert main(["check", "popdensity", "-c", "toyvill"]) == 2
    assert "Did you mean 'toyville'?" in capsys.readouterr().err
    assert main(["check", "popdensity", "--level", "region", "--set", "dim=4"]) == 2
    assert "got --level and --set for 'popdensity', which is a task" in capsys.readouterr().err


def test_vectors_that_no_contract_takes_are_a_broken_rule(tmp_path, capsys):
    start("model", "nowhere", tmp_path, city=CITY)
    file = tmp_path / "nowhere.py"
    text = file.read_text(encoding="utf-8").replace("def embed(", "def embed_before(")
    body = """
    def embed(self, view, *, units, seed, device):
        return self.embed_before(view, units=units, seed=seed, device=device).take(["nowhere"])
"""
    file.write_text(text + body, encoding="utf-8")
    assert main(["check", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["passed"]
    assert "raised BadInput. The embedding space lacks 1 of 1 region ids ('nowhere')" in told["problem"]
