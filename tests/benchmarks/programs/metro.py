"""How everything grows to a metropolis: runs `metro_model` and `metro_scoring` city by city, keeps their lines in results/scale.json and writes the tables of docs/scale.md."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from urbanbench.registry import expand

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
RESULTS, PAGE = CHECKOUT / "results" / "scale.json", CHECKOUT / "docs" / "scale.md"
CITIES = ("toyville:metro-16", "toyville:metro")
REGIONS = {"toyville:metro-16": 1875, "toyville:metro-4": 7500, "toyville:metro": 30_000}
MODELS = (
    *(
        "area",
        "coordinates",
        "mean",
        "random",
        "spatial-lag",
        "flow-rows",
        "poi-counts",
        "tfidf",
        "building-stats",
    ),
    *expand("model", "attribution"),
    "text-mean",
    *("urbanmfm", "cityfm", "hgi", "urban2vec", "musecl", "geovectors", "spabert"),
)
OF_PICTURES = ("clip", "imagenet-features", "urbanclip", "uge", "urban2vec", "musecl", "urbanmfm")
HEADS = ("ridge", "knn", "mlp", "lightgbm", "rf")
BEGIN, END = "<!-- {name}: made by tests/benchmarks/programs/metro.py -->", "<!-- end -->"


def main(told):
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []
    for city in told.city:
        for name in told.model:
            kept = taken(kept, lines("metro_model.py", city, name))
        for name in told.pictures:
            kept = taken(kept, lines("metro_model.py", "--pictures", city, name))
        if told.scoring:
            heads = [word for head in HEADS for word in ("--head", head)]
            kept = taken(kept, lines("metro_scoring.py", city, "--splits", "--judge", *heads))
    for file in told.lines:
        kept = taken(kept, file.read_text(encoding="utf-8"))
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if PAGE.is_file():
        page = PAGE.read_text(encoding="utf-8")
        tables = {
            "models": models_table(kept, "region"),
            "pictures": models_table(kept, "region", pictures=True),
            "buildings": models_table(kept, "building"),
            "scoring": scoring_table(kept),
        }
        for name, table in tables.items():
            page = replaced(page, name, table)
        PAGE.write_text(page, encoding="utf-8")


def lines(program, *words):
    done = subprocess.run(
        [sys.executable, HERE / program, *words], capture_output=True, text=True, check=True
    )
    return done.stdout


def taken(kept, text):
    """Put lines of JSON in place of those of the same model or task and city; seconds of a task's lines add up in one."""
    for line in filter(None, text.splitlines()):
        new = json.loads(line)
        same = [one for one in kept if key(one) == key(new)]
        if "task" in new and same:
            new["seconds"] = same[0]["seconds"] | new["seconds"]
            new["gb peak"] = max(same[0]["gb peak"], new["gb peak"])
        kept = [one for one in kept if key(one) != key(new)] + [new]
    return sorted(kept, key=key)


def key(line):
    return (
        line.get("model", ""),
        line.get("pictures", False),
        line.get("level", "region"),
        line.get("task", ""),
        REGIONS[line["city"]],
    )


def models_table(kept, level, *, pictures=False):
    rows = [
        "| model | units | numbers each | prepare and read out, s | | n^ | a step, s | n^ | a check, s | n^ | peak GB | encoded beside |"
    ]
    rows.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    measured = [
        one
        for one in kept
        if "model" in one
        and "seconds" in one
        and (one.get("level", "region"), one.get("pictures", False)) == (level, pictures)
    ]
    for name in dict.fromkeys(one["model"] for one in measured):
        found = [one for one in measured if one["model"] == name]
        if len(found) < 2 and not pictures:
            continue
        large = found[-1]
        beside = ", ".join(f"{count:,} {kind}" for kind, count in large["rows encoded"].items())
        cells = [name, f"{large['units']:,}", f"{large['dim']:,}", *spans(found, "prepare and read out")]
        for part in ("a step", "a check"):
            cells += spans(found, part)[1:]
        rows.append("| " + " | ".join([*cells, f"{large['gb peak']:.1f}", beside]) + " |")
    return "\n".join(rows)


def scoring_table(kept):
    rows = ["| what | units | seconds | | n^ |", "| --- | ---: | ---: | ---: | ---: |"]
    for task in dict.fromkeys(one["task"] for one in kept if "task" in one):
        found = [one for one in kept if one.get("task") == task]
        for part in found[-1]["seconds"]:
            both = [one for one in found if part in one["seconds"]]
            cells = [f"{task}: {part}", f"{found[-1]['units']:,}", *spans(both, part)]
            rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def spans(found, part):
    """Return the seconds of the smallest and of the largest city, and the slope of a line through the logarithms of all."""
    values = [one["seconds"][part] for one in found if part in one["seconds"]]
    if not values:
        return ["", "", ""]
    if len(values) < 2:
        return ["", f"{values[-1]:.3g}", ""]
    places = [np.log(REGIONS[one["city"]]) for one in found if part in one["seconds"]]
    slope = float(np.polyfit(places, np.log(values), 1)[0])
    return [f"{values[0]:.3g}", f"{values[-1]:.3g}", f"{slope:.2f}"]


def replaced(page, name, table):
    begin = BEGIN.format(name=name)
    head, _, rest = page.partition(begin)
    if not rest:
        return page
    return f"{head}{begin}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument(
        "--city", action="append", default=[], choices=REGIONS, help="measured city; may be given again"
    )
    words.add_argument("--model", action="append", default=[], help="measured model; may be given again")
    words.add_argument(
        "--pictures",
        action="append",
        default=[],
        help="model measured in a city with pictures; may be given again",
    )
    words.add_argument("--all", action="store_true", help="both cities, every model and scoring")
    words.add_argument("--scoring", action="store_true", help="splits, heads and judgements too")
    words.add_argument(
        "--lines", action="append", type=Path, default=[], help="lines that the programs printed elsewhere"
    )
    words.add_argument(
        "--smallest",
        action="store_true",
        help="one floor in a village: nothing is written, and the figures mean nothing",
    )
    asked = words.parse_args()
    if asked.all:
        asked.city, asked.model, asked.scoring = list(CITIES), list(MODELS), True
        asked.pictures = list(OF_PICTURES)
    if asked.smallest:
        sys.stdout.write(lines("metro_model.py", "--smallest"))
    else:
        main(asked)
