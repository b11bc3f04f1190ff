"""How many kernels a training step would launch on an H100, compiled on a machine without one.

    python -m benchmark.proof.speed.kernels --jax PYTHON [--results FOLDER]

``PYTHON`` is that of a separate environment with ``jax`` and ``jax-cuda13-pjrt`` 0.10.2.
TensorFlow exports the loop over steps that it has XLA compile (``numerics.xla``); JAX's CUDA
plug-in compiles it for an H100, which need not be present, and the launches of a step are counted
in the optimized HLO. No time is measured: that takes a real GPU.
"""

import json
import multiprocessing
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from benchmark.proof.speed import cross_compile
from benchmark.proof.speed.exported import export
from benchmark.records.files import write_text

STEPS = 100
CASES = [(20, "float32"), (20, "mixed_bfloat16"), (56, "float32")]


def main(
    jax: Annotated[str, typer.Option(help="A Python with JAX and its CUDA plug-in.")],
    results: Path = Path("results"),
) -> None:
    """Count for each case, and write the table."""
    rows = []
    for depth, precision in CASES:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "step.hlo.pb"
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                process.submit(export, depth, precision, STEPS, file).result()
            counting = [jax, cross_compile.__file__, str(file)]
            done = subprocess.run(counting, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        most = ", ".join(f"{name} {n}" for name, n in sorted(found["of"].items()))
        row = {"net": f"ResNet-{depth}", "precision": precision, "kernels": found["kernels"]}
        rows.append(row | {"of_these": most, "jax": found["jax"], "target": "H100 SXM5"})
        print(f"{row['net']} {precision}: {found['kernels']} ({most})", flush=True)
    path = results / "speed" / "kernels.csv"
    write_text(path, pd.DataFrame(rows).to_csv(index=False))
    print(path)


if __name__ == "__main__":
    typer.run(main)
