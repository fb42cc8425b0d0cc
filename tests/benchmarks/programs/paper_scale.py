"""Trains the preset `paper` in a made-up city as large as the paper's Singapore, or a share of it; prints JSON with the seconds of all parts.

    python tests/benchmarks/programs/paper_scale.py                  # on a GPU: some minutes, 25 GB of disk for the cache
    python tests/benchmarks/programs/paper_scale.py --scale 0.02     # a share of it
    python tests/benchmarks/programs/paper_scale.py --smallest       # on the CPU, with tiny encoders and two steps a stage: some seconds

All is what a run does: features, scenes, training with its checks and checkpoints, kept stages. The encoders have the sizes of
bert-base-uncased and ResNet18 and random weights; street views are JPEGs of 640 pixels per side. Every stage takes all its planned steps.
"""

import argparse
import io
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import cached_property, wraps
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from synthetic_city import SINGAPORE, SyntheticCity
from transformers import BertConfig, BertModel, BertTokenizerFast, ResNetConfig, ResNetModel

from urbanbench.models._urbanmfm import backbones, pretrain
from urbanbench.models.urbanmfm import UrbanMFM
from urbanbench.toolkit.texts.text_encoders import packaged_folder
from urbanbench.toolkit.training import checkpoint, fit, seeded_torch

SMALLEST = 0.005
"""Share of the city that tries the program: with tiny encoders, small pictures, two steps a stage."""

TINY_SETTINGS = {
    "dim": "32", "raster_size": "16", "street_size": "16", "satellite_size": "16", "batch": "32",
    "fusion_heads": "4", "region_pois": "8", "max_steps": "2",
}  # fmt: skip
ANSWERS = ("cpu", "item", "tolist", "__float__", "__bool__", "__int__", "nonzero")

PICTURE_SIDE = 640
"""Pixels per side of a street view as it is downloaded."""


def main(words=None):
    asked = arguments(words)
    tiny, scale = asked.smallest, SMALLEST if asked.smallest else asked.scale
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as folder,
        patch.dict(os.environ, {"URBANBENCH_CACHE": f"{folder}/cache"}),
    ):
        save_encoders(Path(folder), tiny=tiny)
        settings = {"text_encoder": f"{folder}/bert", "image_encoder": f"{folder}/resnet", "patience": "1000"}
        settings |= TINY_SETTINGS if tiny else {}
        settings |= {"max_steps": str(asked.max_steps)} if asked.max_steps else {}
        model = UrbanMFM.from_settings("paper", settings)
        city = Photographed(round(SINGAPORE["pois"] * scale), side=64 if tiny else PICTURE_SIDE)
        found = trained(model, city, asked.device)
    found = {"scale": scale, "machine": machine(asked.device)} | found
    text = json.dumps(found, indent=1)
    if asked.out:
        Path(asked.out).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{text}\n")


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the paper's Singapore")
    parser.add_argument("--smallest", action="store_true", help="only try whether all of it runs")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--max-steps", type=int, help="steps of a stage at most; all that are planned if left out"
    )
    parser.add_argument(
        "--folder", help="where to keep the cache meanwhile; the system's temporary folder if left out"
    )
    parser.add_argument("--out", help="file for the JSON beside stdout")
    return parser.parse_args(words)


def save_encoders(folder, *, tiny):
    """Write encoders of random weights where a run would find downloaded ones."""
    words = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    widths = {"embedding_size": 16, "hidden_sizes": [16, 16], "depths": [1, 1]}
    if not tiny:
        words = {}
        widths = {"embedding_size": 64, "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2]}
    with seeded_torch(0, "paper scale"):
        BertModel(BertConfig(**words)).save_pretrained(folder / "bert")
        ResNetModel(ResNetConfig(**widths, layer_type="basic")).save_pretrained(folder / "resnet")
    BertTokenizerFast.from_pretrained(packaged_folder("minilm")).save_pretrained(folder / "bert")


class Photographed(SyntheticCity):
    """The made-up city with pictures that have to be decoded, for a model that keeps its stages."""

    key = "synthetic"

    def __init__(self, n_pois, *, side):
        super().__init__(n_pois)
        self.side = side

    def kind(self, name):
        return ""

    def without(self, *names):
        return self

    def open_image(self, path):
        """Give one of eight pictures, decoded anew."""
        file = self.files[sum(map(ord, path)) % len(self.files)]
        return Image.open(io.BytesIO(file))

    @cached_property
    def files(self):
        made = []
        for seed in range(8):
            coarse = np.random.default_rng(seed).integers(
                0, 256, (self.side // 8, self.side // 8, 3), dtype=np.uint8
            )
            file = io.BytesIO()
            smooth = Image.fromarray(coarse).resize((self.side, self.side), Image.Resampling.BICUBIC)
            smooth.save(file, "jpeg", quality=85)
            made.append(file.getvalue())
        return made


def trained(model, city, device):
    """Train all stages and return the seconds of every part."""
    stages, parts, answers = [], Counter(), Counter()
    start = time.perf_counter()
    with ExitStack() as stack:
        for name in ("text_features", "picture_features", "shape_features"):
            stack.enter_context(timed(backbones, name, parts, device))
        for home, name in (
            (fit.Fit, "check"),
            (checkpoint.Checkpoint, "save"),
            (checkpoint.Checkpoint, "settle"),
        ):
            stack.enter_context(timed(home, name, parts, device))
        stack.enter_context(counted_answers(answers))
        stack.enter_context(told_stages(stages, parts, answers, device))
        result = pretrain.pretrain(model, city, seed=0, device=device)
    total = time.perf_counter() - start
    outside = {name: seconds for name, seconds in parts.items() if name.endswith("_features")}
    rest = total - sum(outside.values()) - sum(one["seconds"] for one in stages)
    places, streets = result.material.places, result.material.streets
    sizes = {"pois": len(places), "texts": len(places.texts), "footprints": len(places.shapes)}
    sizes |= {"street views": len(streets.pictures), "regions": city.n_regions, "roads": len(city.roads)}
    seconds = {"total": total, "stages": sum(one["seconds"] for one in stages)} | outside | {"the rest": rest}
    say(f"all: {total:.1f} s")
    return {
        "sizes": sizes,
        "seconds": seconds,
        "peak gb": max(one["peak gb"] for one in stages),
        "stages": stages,
    }


@contextmanager
def timed(home, name, parts, device):
    """Add the seconds that a function takes to its part, the device's work for it included."""
    plain = getattr(home, name)

    @wraps(plain)
    def counting(*given, **named):
        finish(device)
        start = time.perf_counter()
        try:
            return plain(*given, **named)
        finally:
            finish(device)
            parts[name] += time.perf_counter() - start

    with patch.object(home, name, counting):
        yield


@contextmanager
def counted_answers(answers):
    """Count by module what the package's own code asks of tensors, which makes the host wait for a GPU that the tensor is on."""

    def counting(name, plain):
        @wraps(plain)
        def asked(tensor, *given, **named):
            file = Path(sys._getframe(1).f_code.co_filename)
            if "urbanbench" in file.parts:
                answers[f"{file.stem} {name}"] += 1
            return plain(tensor, *given, **named)

        return asked

    with ExitStack() as stack:
        for name in ANSWERS:
            stack.enter_context(patch.object(torch.Tensor, name, counting(name, getattr(torch.Tensor, name))))
        yield


@contextmanager
def told_stages(stages, parts, answers, device):
    """Tell every stage when it is done: steps, seconds, seconds of checks and checkpoints, memory at the peak."""
    plain = pretrain.train_stage

    @wraps(plain)
    def telling(objective, schedule, **named):
        finish(device)
        forget_peak(device)
        before, asked, start = Counter(parts), Counter(answers), time.perf_counter()
        log = plain(objective, schedule, **named)
        finish(device)
        seconds = time.perf_counter() - start
        checks = parts["check"] - before["check"]
        saved = sum(parts[name] - before[name] for name in ("save", "settle"))
        steps = len(log.steps)
        found = {"name": log.name, "anchors": objective.n_anchors, "batch": log.batch, "steps": steps}
        found |= {
            "planned steps": log.planned_steps,
            "seconds": seconds,
            "checks s": checks,
            "checkpoints s": saved,
        }
        found |= {"steps per s": steps / max(seconds - checks - saved, 1e-9), "peak gb": peak_gb(device)}
        found["answers"] = dict(answers - asked)
        found |= {"first check": log.checks[0][1], "best": log.best}
        stages.append(found)
        say(
            f"{log.name}: {steps} steps in {seconds:.1f} s, {found['steps per s']:.2f} a second, {found['peak gb']:.1f} GB"
        )
        return log

    with patch.object(pretrain, "train_stage", telling):
        yield


def finish(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def forget_peak(device):
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


def peak_gb(device):
    """Return what a GPU's allocator has held since `forget_peak`; of the CPU, what the process has ever held."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)


def machine(device):
    name = (
        torch.cuda.get_device_name()
        if device.startswith("cuda")
        else platform.processor() or platform.machine()
    )
    return {
        "device": name,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def say(text):
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
