"""Run both sides, and write the results."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import pandas as pd

from benchmark.proof.crosscheck.case import Trace, spec_of
from benchmark.proof.crosscheck.compare import (
    LOSS_TOLERANCE,
    NORM_TOLERANCE,
    ROUNDING,
    by_iteration,
    by_layer,
    norm_tolerance,
    problems,
)
from benchmark.records.files import write_text
from benchmark.records.provenance import machine_line, provenance

JAX, THREADS = "jax", "threads"
"""The other framework, and our own step repeated with two threads instead of one."""

SHOWN = (1, 2, 3, 5, 10, 20, 50, 100)
"""Iterations that the page shows; the CSV has all."""

_INTRODUCTION = """\
# The same step in two frameworks

Our own TensorFlow step beside Keras on JAX {jax}: the same builder (there with Keras's own batch
normalisation), the same first weights, the same {batch} images an iteration (CIFAR-10's, cropped
and flipped), float32, on a CPU, the paper's update and learning rate of {rate:g}. "Two threads" is
our step again with two threads in place of one, which sums in another order: it drifts by rounding
alone, and so tells how much of JAX's drift may be rounding.

The frameworks agree if, before any step, the loss is the same to {loss:g}, the errors to one image,
and each layer's gradient norm to {norm:g}; or, where that is more, to {rounding} times what two
threads make of the layer that they move most, since rounding moves the norms of plain nets further.
Then each goes on from its own weights. "Apart" is the distance between two sides' weights over the
distance that ours have come; "norm off" is that of the layer whose gradient norm differs most.
"""


def check(
    nets: Sequence[str],
    folder: Path,
    *,
    iterations: int,
    batch: int,
    say: Callable[[str], None],
) -> tuple[Path, list[str]]:
    """Check each net, and write ``crosscheck.md`` and for each net ``NET.csv`` and
    ``NET-layers.csv``. Returns the page, and where the frameworks disagree. Raises RuntimeError
    if a side fails."""
    sections, wrong = [], []
    for net in nets:
        ours, others = sides(net, iterations, batch)
        found = problems(ours, others[JAX], norm_tolerance(ours, others[THREADS]))
        wrong += [f"{net}: {problem}" for problem in found]
        steps, layers = by_iteration(ours, others), by_layer(ours, others)
        write_text(folder / f"{net}.csv", steps.to_csv(index=False))
        write_text(folder / f"{net}-layers.csv", layers.to_csv(index=False))
        sections.append(_section(net, steps, layers, found))
        say(f"{net}: {'; '.join(found) or 'the frameworks agree'}")
    introduction = _INTRODUCTION.format(
        jax=metadata.version("jax"),
        batch=batch,
        rate=spec_of(nets[0], iterations, batch).schedule.learning_rate,
        loss=LOSS_TOLERANCE,
        norm=NORM_TOLERANCE,
        rounding=ROUNDING,
    )
    machine = f"- {machine_line(provenance())}\n"
    page = folder / "crosscheck.md"
    write_text(page, "\n".join([introduction, *sections, machine]))
    return page, wrong


def sides(net: str, iterations: int, batch: int) -> tuple[Trace, dict[str, Trace]]:
    """Return our trace, and the others by name."""
    with tempfile.TemporaryDirectory() as scratch:
        files = {name: Path(scratch) / f"{name}.npz" for name in ("ours", "given", THREADS, JAX)}
        case = net, str(iterations), str(batch)
        _run("ours", *case, "1", files["ours"], files["given"])
        _run("ours", *case, "2", files[THREADS])
        _run("jax_step", net, files["given"], files[JAX])
        others = {name: Trace.read(files[name]) for name in (JAX, THREADS)}
        return Trace.read(files["ours"]), others


def _run(module: str, *arguments: str | Path) -> None:
    backend = "jax" if module == "jax_step" else "tensorflow"
    own = {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-P", "-m", f"benchmark.proof.crosscheck.{module}", *arguments]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}:\n{done.stderr[-3000:]}")


def _section(net: str, steps: pd.DataFrame, layers: pd.DataFrame, found: list[str]) -> str:
    verdict = "; ".join(found) or "They agree before the first step."
    shown = steps[steps["iteration"].isin(SHOWN)].to_dict("records")
    lines = [
        f"## {net}\n\n{verdict}\n",
        "| iteration | loss, ours | JAX | off | two threads off | errors, ours | JAX | two threads "
        "| JAX norm off | two threads norm off | JAX apart | two threads apart |",
        "|---:" * 12 + "|",
        *(_STEP.format_map(row) for row in shown),
        "\nGradient norms of the first step:\n",
        "| layer | ours | JAX | off | two threads off |\n|---|---:|---:|---:|---:|",
        *(_LAYER.format_map(row) for row in layers.to_dict("records")),
    ]
    return "\n".join(lines) + "\n"


_STEP = (
    "| {iteration} | {loss:.6f} | {loss_jax:.6f} | {loss_off_jax:.1e} | {loss_off_threads:.1e} "
    "| {errors} | {errors_jax} | {errors_threads} | {norm_off_jax:.1e} | {norm_off_threads:.1e} "
    "| {weights_apart_jax:.1e} | {weights_apart_threads:.1e} |"
)
_LAYER = "| {layer} | {norm:.6g} | {norm_jax:.6g} | {off_jax:.1e} | {off_threads:.1e} |"
