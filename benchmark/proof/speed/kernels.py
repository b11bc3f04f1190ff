"""How many kernels a training step would launch on an H100, compiled on a machine without one.

    python -m benchmark.proof.speed.kernels --jax PYTHON [--results FOLDER]

``PYTHON`` is that of a separate environment with ``jax`` and ``jax-cuda13-pjrt`` 0.10.2.
TensorFlow exports the loop over steps that it has XLA compile (``numerics.xla``); JAX's CUDA
plug-in compiles it for an H100, which need not be present, and the launches of a step are counted
in the optimized HLO. No time is measured: that takes a real GPU.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmark.proof.speed import cross_compile

STEPS = 100
CASES = [(20, "float32"), (20, "mixed_bfloat16"), (56, "float32")]


def main() -> None:
    """Count for each case, and write the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--jax", required=True, help="a Python with JAX and its CUDA plug-in")
    options.add_argument("--results", type=Path, default=Path("results"))
    chosen = options.parse_args()
    rows = []
    for depth, precision in CASES:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "step.hlo.pb"
            command = [
                sys.executable,
                "-m",
                "benchmark.proof.speed.exported",
                str(depth),
                precision,
            ]
            subprocess.run([*command, str(STEPS), str(file)], check=True)
            counting = [chosen.jax, cross_compile.__file__, str(file)]
            done = subprocess.run(counting, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        most = ", ".join(f"{name} {n}" for name, n in sorted(found["of"].items()))
        row = {"net": f"ResNet-{depth}", "precision": precision, "kernels": found["kernels"]}
        rows.append(row | {"of_these": most, "jax": found["jax"], "target": "H100 SXM5"})
        print(f"{row['net']} {precision}: {found['kernels']} ({most})", flush=True)
    path = chosen.results / "speed" / "kernels.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as out:
        table = csv.DictWriter(out, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    print(path)


if __name__ == "__main__":
    main()
