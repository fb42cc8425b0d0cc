"""The command line: words in, tables and JSON out, exit codes, no traceback for a user's mistake."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from urbanbench.cli.app import main
from urbanbench.cli.options import read_seeds, read_settings
from urbanbench.errors import BadInput

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Run in an empty folder: the default results folder is made below it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run_words(village, counting):
    """The start of a quick `run` command on the village, with the plugin in this process: one of its own takes seconds to start."""
    words = [
        "run",
        "-m",
        str(counting),
        "-c",
        str(village),
        "--head",
        "ridge",
        "--seeds",
        "2",
        "--device",
        "cpu",
    ]
    return [*words, "--no-isolate", "--no-floors"]


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_help_names_every_command_and_loads_nothing_heavy():
    code = (
        "import sys; from urbanbench.__main__ import main; code = main(['--help']); "
        "print(' '.join(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("run", "list", "describe", "embed", "score", "leaderboard", "data", "cache", "doctor"):
        assert f"\n  {command} " in done.stdout
    heavy = {
        "numpy",
        "pandas",
        "torch",
        "sklearn",
        "scipy",
        "geopandas",
        "pyarrow",
        "rich.console",
        "matplotlib",
    }
    assert not heavy & set(done.stderr.split())


def test_no_words_show_the_help(capsys):
    assert main([]) == 2
    assert "Usage: urbanbench" in "".join(capsys.readouterr())


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("urbanbench 0.")


def test_run_prints_a_table_and_says_where_results_are(run_words, capsys, own_folder):
    words = [word for word in run_words if word != "--no-isolate"]  # as usual, in a process of its own
    assert main([*words, "-t", "popdensity,income"]) == 0
    out, err = capsys.readouterr()
    assert "\ncounting " in out
    assert "village · popdensity · random" in out
    assert "[2/2] village · income · counting · full · random · ridge: r2 0." in err
    assert "Results: runs/ (2 cells). Next: urbanbench leaderboard runs" in err
    kinds = {name.partition("/")[2].split("/")[0] for name in files_below(own_folder)}
    assert kinds == {".lock", "village"}


def test_run_writes_only_below_out_and_cache(run_words, tmp_path, own_folder, village):
    before = files_below(village)
    assert main([*run_words, "-t", "popdensity", "--out", str(tmp_path / "elsewhere")]) == 0
    assert files_below(own_folder) == []
    assert files_below(village) == before


def test_run_json_is_the_result_files(run_words, capsys, own_folder):
    assert main([*run_words, "-t", "popdensity", "--json"]) == 0
    [printed] = json.loads(capsys.readouterr().out)
    [path] = own_folder.glob("runs/*/*/*.json")
    assert printed == json.loads(path.read_text())


def test_second_run_keeps_and_says_so(run_words, capsys):
    main([*run_words, "-t", "popdensity"])
    main([*run_words, "-t", "popdensity"])
    assert ", kept" in capsys.readouterr().err


def test_floors_that_fit_run_beside_a_model(run_words, capsys):
    words = [word for word in run_words if word != "--no-floors"]
    assert main([*words, "-t", "popdensity", "--dry-run", "--json"]) == 0
    cells = {(cell["model"], cell["head"]) for cell in json.loads(capsys.readouterr().out)["cells"]}
    assert ("mean", "mean") in cells
    assert {("poi-counts", "ridge"), ("poi-counts", "select"), ("coordinates", "ridge")} <= cells
    assert ("counting", "select") not in cells
    assert not {model for model, _ in cells} & {
        "building-stats",
        "flow-rows",
    }  # the village has neither layer


def test_floors_of_a_family_run_only_when_asked_for_and_keep_no_other_floor_away(run_words, village, capsys):
    words = ["run", "-t", "popdensity", "-c", str(village), "--seeds", "2", "--dry-run", "--json"]
    family = {
        "places-counts",
        "neighbour-counts",
        "poi-shares",
        "random-codes",
        "text-codes",
        "footprint-means",
    }

    def asked_for(*models):
        main([*words, *(word for model in models for word in ("-m", model))])
        return {cell["model"] for cell in json.loads(capsys.readouterr().out)["cells"]}

    assert not asked_for(run_words[2]) & family
    assert asked_for("attribution") == {*family, *asked_for("floors")} - {"building-stats", "flow-rows"}
    assert asked_for("attribution", "mean") == {*family, "mean"}


def test_floors_obey_the_inputs_of_the_run(run_words, capsys):
    words = [word for word in run_words if word != "--no-floors"]
    main([*words, "-t", "popdensity", "--inputs", "poi", "--dry-run", "--json"])
    poi_only = {cell["model"]: cell["inputs"] for cell in json.loads(capsys.readouterr().out)["cells"]}
    assert (poi_only["counting"], poi_only["mean"]) == ("poi", "full")
    assert poi_only["poi-counts"] == "poi"  # it could use polygons, so the run's inputs curtail it
    assert poi_only["coordinates"] == "full"
    main([*words, "-t", "popdensity", "--inputs", "road", "--dry-run", "--json"])
    assert "poi-counts" not in {cell["model"] for cell in json.loads(capsys.readouterr().out)["cells"]}


def test_no_floors_are_added_to_floors(village, capsys):
    main(["run", "-m", "mean", "-t", "popdensity", "-c", str(village), "--dry-run", "--json"])
    assert [cell["model"] for cell in json.loads(capsys.readouterr().out)["cells"]] == ["mean"]


def test_a_dry_run_says_which_tasks_vectors_are_of_where_lines_would_look_alike(
    tiny_toyville_without_pictures, tmp_path, capsys
):
    city = str(tiny_toyville_without_pictures)
    words = [
        "run",
        "-m",
        "text-mean",
        "-c",
        city,
        "--no-floors",
        "--out",
        str(tmp_path),
        "--dry-run",
        "--wide",
    ]
    assert main([*words, "-t", "popdensity,housing"]) == 0
    assert "tasks" not in capsys.readouterr().out
    assert main([*words, "-t", "popdensity,building-function,housing,income"]) == 0
    (one, other) = [line for line in capsys.readouterr().out.splitlines() if "to make" in line][-2:]
    assert "popdensity, housing and 1 more" in one
    assert "building-function" in other


def test_dry_run_prints_cells_and_writes_nothing(run_words, capsys, own_folder):
    words = [
        *run_words,
        "-t",
        "popdensity,income",
        "--split",
        "random,block",
        "--inputs",
        "full",
        "--inputs",
        "poi",
    ]
    assert main([*words, "--set", "power=2", "--dry-run", "--wide"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["city", "task", "model", "preset", "inputs", "split", "head", "result"]
    assert all(line.endswith("missing") for line in lines[2:10])
    assert not lines[10]
    assert files_below(own_folder) == []


def test_refused_cells_are_rows_and_the_rest_goes_on(run_words, capsys):
    assert main([*run_words, "-t", "popdensity,poverty"]) == 0
    assert "refused: City 'village' has no label 'poverty'" in capsys.readouterr().err


def test_nothing_done_gives_exit_code_1(run_words):
    assert main([*run_words, "-t", "poverty"]) == 1


@pytest.mark.parametrize(("raised", "code"), [("ValueError('x')", 1), ("ExtraMissing('No weights.')", 4)])
def test_failed_cells_set_the_exit_code(run_words, counting, capsys, raised, code):
    text = counting.read_text().replace("time.sleep(self.pause_s)", f"raise {raised}")
    counting.write_text("from urbanbench.errors import ExtraMissing\n" + text.lstrip())
    assert main([*run_words, "-t", "popdensity"]) == code
    assert "failed: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["-m", "urbanmfn", "-t", "popdensity"], 2, "Unknown model 'urbanmfn'. Did you mean 'urbanmfm'?"),
        (["-m", "mean", "-t", "popdensty"], 2, "Unknown task 'popdensty'. Did you mean 'popdensity'?"),
        (["-m", "mean", "-t", "popdensity", "-c", "toyvile"], 2, "Did you mean 'toyville'?"),
        (["-m", "mean", "-t", "popdensity", "-c", "./nowhere"], 3, "No city folder './nowhere'"),
        (["-m", "./gone.py", "-t", "popdensity"], 3, "No plugin file"),
        (["-m", "mean", "-t", "popdensity", "--split", "blok"], 2, "Did you mean 'block'?"),
        (
            ["-m", "mean", "-t", "popdensity", "--inputs", "pois"],
            2,
            "Unknown input 'pois'. Did you mean 'poi'?",
        ),
        (["-m", "mean", "-t", "popdensity", "--seeds", "ten"], 2, "--seeds got 'ten'"),
        (["-m", "mean", "-t", "popdensity", "--set", "dim"], 2, "Expected NAME=VALUE"),
        (["-m", "tfidf", "-t", "popdensity", "--set", "dims=3"], 2, "Unknown parameter"),
        (["-m", "mean", "-t", "popdensity", "--overwrite", "nevr"], 2, "Did you mean 'never'?"),
        (["-m", "mean", "-t", "popdensity", "--device", "tpu"], 2, "Expected auto, cpu or cuda"),
        (["-m", "mean"], 2, "Missing option"),
        (["-m", "mean", "-t", "popdensity", "--sed", "1"], 2, "No such option"),
    ],
)
def test_mistakes_get_one_message_and_an_exit_code(village, capsys, words, code, message, own_folder):
    city = [] if "-c" in words else ["-c", str(village)]
    assert main(["run", *words, *city]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert files_below(own_folder) == []


def test_faulty_city_gives_exit_code_3_and_all_faults(tmp_path, capsys):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "city.json").write_text("{")
    assert main(["run", "-m", "mean", "-t", "popdensity", "-c", str(tmp_path / "bad")]) == 3
    assert main(["data", "check", str(tmp_path / "bad")]) == 3
    assert capsys.readouterr().err.count("city.json: expected valid JSON") == 2


def test_broken_plugin_gives_exit_code_4(tmp_path, capsys):
    (tmp_path / "odd.py").write_text("import nothing_of_this_name")
    assert main(["run", "-m", str(tmp_path / "odd.py"), "-t", "popdensity"]) == 4
    assert "No module named 'nothing_of_this_name'" in capsys.readouterr().err


def test_debug_shows_the_traceback_wherever_it_stands():
    from urbanbench.errors import UnknownName

    for words in (["--debug", "describe", "zz"], ["describe", "zz", "--debug"]):
        with pytest.raises(UnknownName):
            main(words)


@pytest.mark.parametrize(
    "what", ["models", "tasks", "cities", "protocols", "splits", "heads", "inputs", "metrics"]
)
def test_every_list_has_rows(capsys, what):
    assert main(["list", what, "--wide"]) == 0
    _, rule, *table = capsys.readouterr().out.splitlines()
    assert set(rule) == {"─"}
    assert main(["list", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(table) > 0
    assert [row["name"] for row in rows] == [line.split()[0] for line in table]


def test_describe_shows_cards_and_words(capsys, village, counting):
    for name, words in (
        ("tfidf", ("TF-IDF", "needs", "parameters")),
        ("popdensity", ("How many people", "protocol")),
        ("ridge", ("head",)),
        ("model:mean", ("model", "Mean")),
        ("head:mean", ("head",)),
        ("street_view", ("street-level",)),
        (str(counting), ("Counting", "power")),
        (str(village), ("Village", "pois")),
    ):
        assert main(["describe", name]) == 0
        out = capsys.readouterr().out
        assert all(word in out for word in words), out
    assert main(["describe", "poverti"]) == 2


def test_the_next_command_of_a_description_asks_what_the_model_or_task_can_be_asked(capsys):
    from urbanbench.items import MODALITIES
    from urbanbench.registry import listing

    tasks = {entry.name: entry.card for entry in listing("task")}
    models = [entry for entry in listing("model") if set(MODALITIES) & set(entry.card.embeds)]
    assert len(models) > 5
    for model in models:
        assert main(["describe", model.name, "--json"]) == 0
        [*_, option, name] = json.loads(capsys.readouterr().out)["next"].split()
        task, towers = tasks[name], set(model.card.embeds)
        assert option == "-t"
        sides = [set(task.query), set(task.candidates)] if task.kind == "retrieval" else [{task.level}]
        assert all(side & towers for side in sides), (model.name, name)
    for name in ("geolocation", "popdensity"):
        card = tasks[name]
        assert main(["describe", name, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out).get("next", "")
        assert (f"data questions toyville:tiny -t {name}" in shown) == (card.kind == "retrieval")


def test_embed_then_score_equals_run(run_words, village, counting, capsys, own_folder):
    assert main(["embed", "-m", str(counting), "-c", str(village), "-o", "mine.parquet"]) == 0
    said = capsys.readouterr()
    assert "36 regions x 2" in said.out
    assert "Effective rank: 1.0 of 2 dimensions" in said.out + said.err
    score = [
        "score",
        "mine.parquet",
        "-t",
        "popdensity",
        "-c",
        str(village),
        "--head",
        "ridge",
        "--seeds",
        "2",
    ]
    assert main([*score, "--name", "my-vectors", "--no-floors", "--json"]) == 0
    [given] = json.loads(capsys.readouterr().out)
    assert main([*run_words, "-t", "popdensity", "--json"]) == 0
    [own] = json.loads(capsys.readouterr().out)
    assert given["scores"] == own["scores"]
    assert (given["spec"]["model"], given["spec"]["inputs"]) == ("my-vectors", "given")


def test_embed_refuses_other_files(capsys):
    assert main(["embed", "-m", "mean", "-o", "v.pkl"]) == 2
    assert "Expected .parquet, .csv, .npz, .npy, .safetensors" in capsys.readouterr().err


def test_leaderboard_reads_results_in_every_format(run_words, capsys, own_folder):
    main([*run_words, "-t", "popdensity,income"])
    capsys.readouterr()
    for style, mark in (("md", "|"), ("csv", ","), ("tex", "\\toprule"), ("html", "<table")):
        assert main(["leaderboard", "--format", style]) == 0
        assert mark in capsys.readouterr().out
    assert main(["leaderboard", "runs", "-t", "inc*", "--format", "csv", "-o", "board.csv"]) == 0
    text = (own_folder / "board.csv").read_text()
    assert "income" in text
    assert "popdensity" not in text


@pytest.mark.parametrize(("words", "first"), [([], "README.md"), (["-f", "html"], "index.html")])
def test_leaderboard_in_pages_fills_a_folder(run_words, capsys, own_folder, words, first):
    assert main([*run_words, "-t", "income"]) == 0
    assert main(["leaderboard", "runs", "--pages", "-o", "boards", *words]) == 0
    boards = own_folder / "boards"
    assert first in capsys.readouterr().err
    (page,) = [path for path in boards.glob("*/*") if path.stem == "income"]
    assert page.relative_to(boards).as_posix() in (boards / first).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "no --out"), (["-o", "boards", "--pivot"], "--pivot"), (["-o", "boards", "-f", "csv"], "csv")],
)
def test_pages_need_a_folder_and_a_format_with_links(run_words, capsys, own_folder, words, said):
    assert main([*run_words, "-t", "income"]) == 0
    assert main(["leaderboard", "runs", "--pages", *words]) == 2
    assert said in capsys.readouterr().err
    assert not (own_folder / "boards").exists()


def test_leaderboard_without_results_gives_exit_code_3(run_words, capsys):
    assert main(["leaderboard", "none"]) == 3
    main([*run_words, "-t", "popdensity"])
    assert main(["leaderboard", "-t", "housing"]) == 3
    assert main(["leaderboard", "--format", "pdf"]) == 2


def test_cache_is_listed_explained_and_pruned(run_words, village, telling_village, counting, capsys):
    explain = ["cache", "explain", "-m", str(counting), "-c", str(village), "--device", "cpu"]
    assert main(explain) == 0
    assert "not cached; there is no embedding of this model yet" in capsys.readouterr().out
    main([*run_words, "-t", "popdensity"])
    assert main(["cache", "ls", "--json"]) == 0
    assert main(explain) == 0
    assert "cached as " in capsys.readouterr().out
    assert main([*explain, "--set", "power=3"]) == 0
    assert "parameters.power: 1.0 there, 3.0 now" in capsys.readouterr().out
    assert main([*explain, "--json", "-t", "landuse"]) == 0
    assert json.loads(capsys.readouterr().out)["cached"], "no POI of the village tells its land use"
    assert main([*explain, "--json", "-t", "landuse", "-c", str(telling_village)]) == 0
    assert set(json.loads(capsys.readouterr().out)["differences"]) == {"view"}
    assert main(["cache", "prune"]) == 0
    assert "Removed 1 embeddings" in capsys.readouterr().out
    assert main(["cache", "ls"]) == 0
    assert "0 embeddings" in capsys.readouterr().err


def test_features_trained_stages_and_joined_weights_are_listed_and_pruned(own_cache, capsys):
    features, training = own_cache / "features", own_cache / "training" / "abcdef0123456789"
    weights, learned = own_cache / "weights" / "all-mpnet-0123", own_cache / "learned"
    for folder in (features, training, weights, own_cache / "readings", learned):
        folder.mkdir(parents=True)
    (learned / "fedcba9876543210.safetensors").write_bytes(b"x" * 400_000)
    (weights / "model.safetensors").write_bytes(b"x" * 300_000)
    (features / "0123456789abcdef.safetensors").write_bytes(b"x" * 2_000_000)
    (features / "0123456789abcdef.lock").touch()
    (own_cache / "readings" / "fedcba9876543210.safetensors").write_bytes(b"x" * 400_000)
    for name in ("01-poi", "02-local"):
        (training / f"{name}.safetensors").write_bytes(b"x" * 500_000)
    assert main(["cache", "ls", "--json"]) == 0
    said = capsys.readouterr()
    rows = {row["kind"]: row for row in json.loads(said.out)}
    assert {kind: (row["digest"], row["mb"]) for kind, row in rows.items()} == {
        "features": ("0123456789", "2.0"),
        "training": ("abcdef0123", "1.0"),
        "learned": ("fedcba9876", "0.4"),
        "weights": ("all-mpnet-", "0.3"),
        "readings": ("fedcba9876", "0.4"),
    }
    assert (
        "1 trained stages (1.0 MB), 1 learned states (0.4 MB), 1 encoders from packages (0.3 MB), 1 readings of floors (0.4 MB) in "
        in said.err
    )
    assert main(["cache", "prune", "--older-than", "1"]) == 0
    assert main(["cache", "prune", "--keep-gb", "0.0019"]) == 0
    assert "Removed 1 feature tables, 2.0 MB." in capsys.readouterr().out
    assert training.is_dir()
    assert main(["cache", "prune"]) == 0
    told = capsys.readouterr().out
    assert "Removed 1 trained stages, 1.0 MB." in told
    assert "Removed 1 learned states, 0.4 MB." in told
    assert "Removed 1 encoders from packages, 0.3 MB." in told
    assert "Removed 1 readings of floors, 0.4 MB." in told
    assert not training.exists()


def test_data_commands_check_and_show(village, capsys):
    assert main(["data", "check", str(village)]) == 0
    assert "is sound" in capsys.readouterr().out
    assert main(["data", "show", str(village), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["regions"]["count"] == 36


def test_data_build_refuses_a_folder_that_is_there(own_folder, capsys):
    (own_folder / "here").mkdir()
    assert main(["data", "build", "toyville", "--size", "tiny", "--out", "here"]) == 2
    assert main(["data", "build", "toyville", "--size", "huge"]) == 2
    assert "exists" in capsys.readouterr().err


def test_data_build_of_a_city_that_is_no_source_says_where_it_is_or_comes_from(
    village, monkeypatch, own_folder, capsys
):
    monkeypatch.setenv("URBANBENCH_DATA", str(village.parent))
    assert main(["data", "build", village.name]) == 2
    said = capsys.readouterr().err
    assert f"City 'village' is there already, in {str(village)!r}" in said
    assert "urbanbench data show village" in said
    assert "Did you mean" not in said
    assert main(["data", "build", "singapore"]) == 2
    assert "urbanbench data fetch singapore" in capsys.readouterr().err
    assert main(["data", "build", "hamlet"]) == 2
    said = capsys.readouterr().err
    assert "Unknown city source 'hamlet'. Known: toyville." in said
    assert "--regions" in said
    assert main(["data", "check", "singapore"]) == 2
    assert "`urbanbench data fetch singapore` makes it" in capsys.readouterr().err


def test_a_folder_to_write_over_is_named_as_what_it_is(run_words, own_folder, capsys):
    assert main([*run_words, "-t", "popdensity", "--out", "out"]) == 0
    (own_folder / "there").mkdir()
    capsys.readouterr()
    assert main(["leaderboard", "out", "-o", "there"]) == 3
    said = capsys.readouterr().err
    assert "Mend: name a file in this folder." in said
    assert "free some space" not in said


@pytest.mark.parametrize("words", [["leaderboard"], ["report"], ["audit"], ["cost"]])
def test_a_folder_without_results_says_what_is_expected_there(words, own_folder, capsys):
    (own_folder / "bare").mkdir()
    assert main([*words, "bare"]) == 3
    said = capsys.readouterr().err
    assert "'bare' holds no result. Expected files <city>/<task>/<model>__….json" in said


def test_compare_in_a_folder_without_results_blames_the_folder(own_folder, capsys):
    (own_folder / "bare").mkdir()
    assert main(["compare", "a", "b", "--results", "bare"]) == 3
    assert "'bare' holds no result" in capsys.readouterr().err


def test_doctor_tells_the_machine(capsys, own_cache):
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert str(own_cache) in facts["cache"]["folder"]
    assert facts["packages"]["numpy"]
    assert facts["plugins that do not load"] == {}


def test_seeds_are_a_number_or_a_list():
    assert read_seeds("10") == tuple(range(10))
    assert read_seeds("3,1") == (3, 1)
    assert read_seeds("4,") == (4,)
    for bad in ("", "0", "-1", "1.5", "1,1", "a"):
        with pytest.raises(BadInput):
            read_seeds(bad)


def test_settings_take_dashes_and_keep_the_last():
    assert read_settings(["b-c=1", "a = x=y", "b_c=2"]) == (("a", "x=y"), ("b_c", "2"))


def test_large_numbers_of_facts_are_written_out(capsys):
    from urbanbench.cli.printing import print_facts

    print_facts(
        {"median": 20000.0, "largest": 1234567.8, "total": 784.81, "share": 1 / 3, "zero": 0.0, "far": 1e22}
    )
    told = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert told == ["20,000", "1,234,568", "784.8", "0.3333", "0", "1e+22"]


@pytest.mark.parametrize("value", [9999.4, 9999.6, -10000.0])
def test_no_number_below_a_thousand_billions_has_an_exponent(value, capsys):
    from urbanbench.cli.printing import print_facts

    print_facts({"value": value})
    assert "e+" not in capsys.readouterr().out
