"""Damage done to a city folder by a seed, and what comes of opening it; run as a program, so that a crash ends no test process.

``python damage.py SOUND WORK FIRST LAST MODE`` copies the folder SOUND for each seed, damages the copy in a way of the mode, checks and
opens it, shows it to a model (and in mode "full" mends it), and prints two JSON lines a seed: what was done; how it ended, seconds,
and how much the memory of the process grew, in MiB.
"""

import json
import random
import resource
import shutil
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from damage_ways import WAYS

MEMORY = 8 * 2**30


def read_all(folder):
    """Check a folder, open it and touch all of it; return how it ended."""
    from urbanbench.city.city import City
    from urbanbench.city.faults.check import check_folder
    from urbanbench.errors import CityFaults, DataMissing, LayerMissing

    faults = check_folder(folder)
    for fault in faults:
        fault.encode("utf-8")
        assert "Traceback" not in fault
        assert len(fault) < 2000, fault[:3000]
    try:
        city = City.open(folder)
    except (CityFaults, DataMissing):
        assert faults, "the check is content with what cannot be opened"
        return "refused"
    show(city)
    refused = 0
    parts = [
        *city.layers,
        *(f"labels/{name}" for name in city.labels),
        *(f"features/{name}" for name in city.feature_layers),
    ]
    for part in parts:
        kind, _, name = part.rpartition("/")
        try:
            city.label(name) if kind == "labels" else city.features(name) if kind else getattr(city, name)
            city.digest([part])
        except (CityFaults, LayerMissing):
            refused += 1
    assert faults or not refused, "the check is content with what cannot be read"
    return "faults" if faults else "sound"


def show(city):
    """Show a city to a model that reads all it may; layers with faults may be refused."""
    from urbanbench.errors import CityFaults, LayerMissing
    from urbanbench.inputs import INPUTS, LAYER_OF

    view = city.view(INPUTS, ("landuse",))
    for name in [one for one in INPUTS if one in LAYER_OF and view.has(one)]:
        with suppress(CityFaults, LayerMissing):
            frame = getattr(view, LAYER_OF[name])
            for column in [one for one in ("image", "east") if one in frame]:
                for path in frame[column].dropna()[:3]:
                    view.open_image(path)
    with suppress(CityFaults, LayerMissing):
        assert view.key


def mend(folder, target):
    """Mend a folder: the old one stays as it is, and what was mended once needs no second mend."""
    from urbanbench.build.mending.walk import mend_folder
    from urbanbench.city.city import City

    before = state(folder)
    done = mend_folder(folder, target)
    assert state(folder) == before, "mending changed the folder"
    assert target.exists() == (done.folder is not None)
    if done.folder is None:
        return
    assert done.report.records()
    if not done.after:
        city = City.open(target)
        for name in city.layers:
            getattr(city, name)
    again = mend_folder(target, target.with_suffix(".again"))
    told = [one for one in again.report.text() if not one.startswith("files: ")]
    assert not told, f"mended twice: {told}"
    shutil.rmtree(target)


def state(folder):
    found = ((path, path.lstat()) for path in sorted(folder.rglob("*")))
    return [(path, one.st_size, one.st_mtime_ns, one.st_mode) for path, one in found]


def damaged(seed, sound, work, ways):
    """Damage a copy by a seed; return where it lies and what was done."""
    rng = random.Random(seed)
    folder = Path(shutil.copytree(sound, Path(work) / f"d{seed}"))
    way = rng.choice(ways)
    return folder, f"{way.__name__}: {way(rng, folder)}"


def peak_mib():
    """Return the most memory this program ever held; what `getrusage` says begins with the parent's."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return sum(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def say(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main(sound, work, first, last, mode):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(int(first), int(last)):
        folder, done = damaged(seed, sound, work, WAYS[mode])
        say(seed=seed, done=ascii(done))
        before, start = peak_mib(), time.monotonic()
        try:
            ended = read_all(folder)
            if mode == "full":
                mend(folder, Path(work) / f"m{seed}")
        except Exception as error:  # noqa: BLE001 - what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            ended = f"{type(error).__name__}: {ascii(str(error))[:200]} ({where.filename}:{where.lineno})"
        say(ended=ended, seconds=round(time.monotonic() - start, 2), mib=peak_mib() - before)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
