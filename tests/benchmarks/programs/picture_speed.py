"""Pictures per second and memory of frozen features, measured in a process of its own; JSON to stdout."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from urbanbench.city.pictures import open_picture
from urbanbench.hashing import file_digest, value_digest
from urbanbench.toolkit.features.picture_store import stored_pictures
from urbanbench.toolkit.pictures.image_encoders import encode_pictures, load_image_encoder
from urbanbench.toolkit.pictures.table import PictureTable, normalise, pictures_at_once

ROUNDS = 3


def photographs(folder, count):
    """JPEGs of 640 x 480, about 60 kB each, as street views come."""
    rng = np.random.default_rng(0)
    for k in range(count):
        noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))
        picture.save(folder / f"{k:05d}.jpg", quality=85)
    return sorted(folder.glob("*.jpg"))


def seconds(work):
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def in_memory(encoder, batches):
    with torch.inference_mode():
        for pixels in batches:
            encoder(normalise(torch.from_numpy(pixels), encoder.mean, encoder.std))


def speed(count, size, threads):
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as name:
        os.environ["URBANBENCH_CACHE"] = f"{name}/cache"
        photos = Path(name) / "photos"
        photos.mkdir()
        paths = [str(path) for path in photographs(photos, count)]
        encoder = load_image_encoder("efficientnet-lite0")

        def table():
            return PictureTable(lambda path: open_picture(Path(path)), paths, size, threads=threads)

        step = pictures_at_once(size, "cpu")
        best = {"decode": np.inf, "trainable": np.inf, "encode": np.inf, "both": np.inf}
        reading = encoder.for_reading()
        for _ in range(ROUNDS):  # in turns, so that other work on the machine meets all four
            took, parts = seconds(lambda: [one for one, _ in table().batches(np.arange(count), step)])
            best["decode"] = min(best["decode"], took)
            for form, net in (("trainable", encoder), ("encode", reading)):
                took, _ = seconds(lambda parts=parts, net=net: in_memory(net, parts))
                best[form] = min(best[form], took)
            took, _ = seconds(lambda: encode_pictures(encoder, table()))
            best["both"] = min(best["both"], took)
        decode_s, encode_s, both_s = best["decode"], best["encode"], best["both"]

        def kept():
            return stored_pictures(encoder, table(), [file_digest(Path(path)) for path in paths])

        first_s, first = seconds(kept)
        again_s, again = seconds(kept)
        if first.tobytes() != again.tobytes():
            message = "other features on the second run"
            raise SystemExit(message)
    return {
        "pictures": count,
        "decoded per s": count / decode_s,
        "encoded in memory per s": count / encode_s,
        "decoded and encoded per s": count / both_s,
        "limit per s": count / (decode_s + encode_s),
        "share of limit": (decode_s + encode_s) / both_s,
        "share of encoder": encode_s / both_s,
        "faster than trainable": best["trainable"] / encode_s,
        "first s": first_s,
        "again s": again_s,
        "again faster": first_s / again_s,
    }


def memory(count):
    """Peak memory while pictures of one file with many names are encoded at 32 pixels."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        os.environ["URBANBENCH_CACHE"] = f"{name}/cache"
        picture = Path(name) / "one.png"
        Image.new("RGB", (64, 64), (90, 120, 150)).save(picture)
        encoder = load_image_encoder("efficientnet-lite0")
        paths = [f"p{k}" for k in range(count)]
        digests = [value_digest(k) for k in range(count)]
        table = PictureTable(lambda _: open_picture(picture), paths, 32, threads=1)
        features = stored_pictures(encoder, table, digests)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"pictures": count, "peak bytes": peak, "features bytes": features.nbytes}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("what", choices=("speed", "memory"), nargs="?", default="speed")
    words.add_argument("pictures", type=int, nargs="?", default=192)
    words.add_argument("size", type=int, nargs="?", default=224)
    words.add_argument("threads", type=int, nargs="?", default=2)
    words.add_argument("--smallest", action="store_true", help="both measurements on a few pictures")
    told = words.parse_args()
    if told.smallest:
        return {"speed": speed(4, 32, 1), "memory": memory(4)}
    return memory(told.pictures) if told.what == "memory" else speed(told.pictures, told.size, told.threads)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()))
