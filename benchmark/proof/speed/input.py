"""Photographs decoded per second, with no net trained on them: ours, and as usually written."""

import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow as tf

from benchmark.data.photographs.pipeline import cores
from benchmark.data.photographs.registry import Photographs
from benchmark.data.photographs.stream import StreamedImages
from benchmark.proof.speed import contender
from benchmark.proof.speed.measure import Measured
from benchmark.proof.speed.processes import cpu_s, machine_cpu_s
from benchmark.records.files import read_json, write_text
from benchmark.records.provenance import machine_line, provenance
from benchmark.spec import PhotographsSpec

BATCH, WARM_S = 64, 3.0
OURS, PEER = "ours", "tf.data on tfds.ImageFolder"

_INTRODUCTION = """\
# Input

Photographs that are read, decoded, scaled to a shorter side drawn from 256 to 480, cropped to
224x224 and flipped, {batch} at a time, with no net trained on them: images a second, the median
over {rounds} rounds, and the least and most. Both take turns in one process on {cores} cores of one
machine, in an order that changes. Each turn begins anew, so that neither has batches ready from
before nor reads on while the other is timed, and its first {warm:g} seconds are not counted. "Ours
is" is our rate over the peer's in the same round; "CPU" is what the process used for an image, in
all threads. "Others" is the largest share of the machine that other processes used.

Ours decodes the part of a JPEG that its crop needs, antialiases, and gives each image the same crop
in every run. The peer decodes whole images, scales without antialiasing, and shuffles as it comes.

The images: {name}, {images:,} files of {kib:.0f} KiB in the mean.
"""


def measure_input(photographs: Photographs, rounds: int, seconds: float) -> pd.DataFrame:
    """Return one row per turn: round, contender, images_per_s, cpu_ms (per image), others_percent
    (of the machine)."""
    spec = PhotographsSpec.model_validate(
        {"name": photographs.name, "content": photographs.content.model_dump(), "lighting": False}
        | {"normalization": "none"}
    )
    contenders: dict[str, Callable[[], Callable[[], Any]]] = {
        OURS: lambda: _ours(spec, photographs),
        PEER: lambda: _peer(photographs.place),
    }
    rows = []
    for number in range(-1, rounds):  # The first is a warm-up.
        for name in (OURS, PEER) if number % 2 else (PEER, OURS):
            gc.collect()  # Frees the previous turn's pipeline.
            measured = _turn(contenders[name](), seconds)
            if number >= 0:
                rows.append((number, name, *measured))
    columns = ["round", "contender", "images_per_s", "cpu_ms", "others_percent"]
    return pd.DataFrame(rows, columns=columns)


def write_input(photographs: Photographs, folder: Path, rounds: int, seconds: float) -> list[Path]:
    """Measure, and write ``input.md`` and ``input.csv``. Returns the files."""
    turns = measure_input(photographs, rounds, seconds)
    by_round = turns.pivot(index="round", columns="contender", values="images_per_s")
    others = turns.groupby("contender")["others_percent"].max()
    ratio = by_round[OURS] / by_round[PEER]
    sizes = photographs.source.columns["train"]["size"]
    cpu = turns.groupby("contender")["cpu_ms"].median()
    facts: dict[str, Any] = {"batch": BATCH, "rounds": rounds, "cores": cores(), "warm": WARM_S}
    facts |= {"name": photographs.name, "images": len(sizes), "kib": float(sizes.mean()) / 1024}
    lines = ["| contender | images/s | ours is | CPU | others |", "|---|---:|---:|---:|---:|"]
    for name, beside in ((OURS, "–"), (PEER, _spread(ratio, "{:.2f}", "×"))):
        rates = _spread(by_round[name], "{:.0f}", "")
        lines.append(f"| {name} | {rates} | {beside} | {cpu[name]:.2f} ms | {others[name]:.0f} % |")
    here = provenance()
    lines += _needed(folder / "cases", by_round[OURS].median(), here)
    machine = f"- {machine_line(here)}\n"
    written = [folder / "input.md", folder / "input.csv"]
    write_text(written[0], "\n".join([_INTRODUCTION.format(**facts), *lines, "", machine]))
    write_text(written[1], turns.to_csv(index=False))
    return written


def _needed(cases: Path, rate: float, here: dict[str, Any]) -> list[str]:
    """Return what training ResNet-50 requires, if that was measured on this kind of machine."""
    measured = [Measured.of_json(read_json(file)) for file in cases.glob("resnet50-B_*.json")]
    rates = [
        turn.amount / turn.seconds
        for each in measured
        for turn in each.turns
        if turn.contender == contender.OURS
        and all(each.environment[name] == here[name] for name in ("processor", "cores"))
    ]
    if not rates:
        return []
    return [
        "",
        f"Training ResNet-50 on this kind of machine takes {max(rates):.1f} images a second at the "
        f"most ([speed.md](speed.md)), so that reading takes {max(rates) / rate:.1%} of the time. "
        f"A GPU that trains on 1,000 images a second needs {1000 * cores() / rate:.1f} such cores "
        "to read for it.",
    ]


def _ours(spec: PhotographsSpec, photographs: Photographs) -> Callable[[], Any]:
    feed, step = StreamedImages(spec, photographs), iter(range(2**40))
    return lambda: feed.train_inputs(0, BATCH, next(step), 1)


def _peer(root: Path) -> Callable[[], Any]:
    import tensorflow_datasets as tfds

    images = tfds.ImageFolder(str(root)).as_dataset(split="train", shuffle_files=True)

    def augmented(example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        image = example["image"]
        size = tf.cast(tf.shape(image)[:2], tf.float32)
        side = tf.cast(tf.random.uniform((), 256, 481, tf.int32), tf.float32)
        scaled = tf.image.resize(
            image, tf.cast(tf.round(size * side / tf.reduce_min(size)), tf.int32)
        )
        crop = tf.image.random_crop(scaled, (224, 224, 3))
        return tf.cast(tf.image.random_flip_left_right(crop), tf.uint8), example["label"]

    batches = (
        images.repeat()
        .shuffle(1024)
        .map(augmented, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(BATCH)
        .prefetch(tf.data.AUTOTUNE)
    )
    ready: Iterator[Any] = iter(batches)
    return lambda: next(ready)


def _turn(next_batch: Callable[[], Any], seconds: float) -> tuple[float, float, float]:
    """Return images per second, CPU milliseconds per image, and the others' share."""
    began = time.perf_counter()
    while time.perf_counter() - began < WARM_S:
        next_batch()
    began, busy, own, count = time.perf_counter(), machine_cpu_s(), cpu_s(os.getpid()), 0
    while (taken := time.perf_counter() - began) < seconds:
        next_batch()
        count += BATCH
    available = taken * (os.cpu_count() or 1)
    used = cpu_s(os.getpid()) - own
    others = max(0.0, machine_cpu_s() - busy - used)
    return count / taken, 1000 * used / count, 100 * others / available


def _spread(values: pd.Series, form: str, unit: str) -> str:
    least, most = form.format(values.min()), form.format(values.max())
    return f"{form.format(values.median())}{unit} ({least}–{most})"
