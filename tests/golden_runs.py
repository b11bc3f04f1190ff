"""Short runs whose bits are known: ``test_golden.py`` trains them and compares.

To record them again, after a number in ``benchmark/spec/recipe.py`` was raised, or for one more
class of processors or version of TensorFlow:

    python tests/golden_runs.py --record

It refuses to record other bits under the numbers that there are.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden.json")

INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
FLAGS = (
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "OMP_NUM_THREADS",
    "ONEDNN_MAX_CPU_ISA",
)
"""Of the environment, which would change bits: these runs are without them, and without a GPU."""

LIBRARIES = ("tensorflow", "keras", "numpy")

NET = {
    "stem": "cifar",
    "block": "basic",
    "stage_blocks": [1, 1, 1],
    "stage_widths": [8, 16, 32],
    "shortcut": "A",
}
CIFAR = {
    "dataset": {"name": "cifar10-subset", "train_per_class": 30},
    "model": NET,
    "optimizer": {"batch_size": 32},
    "schedule": {"iterations": 4, "learning_rate": 0.05},
    "diagnostics": {"iterations": []},
    "seed": 7,
}

RUNS = {
    "cifar float32": CIFAR,
    "cifar mixed_bfloat16": CIFAR | {"numerics": {"precision": "mixed_bfloat16"}},
    "cifar xla": CIFAR | {"numerics": {"xla": True}},
    "levers": CIFAR
    | {
        "dataset": CIFAR["dataset"] | {"padding": "black", "normalization": "per-channel-mean-std"},
        "model": NET
        | {
            "subsampling": "mean",
            "dropout_rate": 0.2,
            "classifier_initializer": "torch-uniform",
            "batch_norm": {"statistics": "recomputed", "statistics_batches": 3},
        },
        "optimizer": {"batch_size": 32, "weight_decay_scope": "convolutions", "nesterov": True},
    },
    "scores": CIFAR
    | {"schedule": {"kind": "plateau", "iterations": 4, "learning_rate": 0.05, "of": "test"}},
    "photographs": CIFAR
    | {
        "dataset": {"name": "golden", "crop_size": 32, "content": "of the files"},
        "optimizer": {"batch_size": 4},
    },
    "transfer": CIFAR
    | {
        "dataset": CIFAR["dataset"] | {"normalization": "pretrained"},
        "pretrained": {
            "source": "run",
            "name": "0" * 16,
            "mode": "dense-after-head",
            "head_classes": 7,
            "backbone_rate": 0.1,
        },
    },
    "detector": {
        "dataset": {
            "name": "pasted-cifar",
            "pasted": {
                "side": 64,
                "train_canvases": 4,
                "test_canvases": 2,
                "max_scale": 1.0,
                "max_objects": 2,
            },
        },
        "model": NET | {"stage_blocks": [1, 1], "stage_widths": [8, 16]},
        "detector": {
            "batch_norm": "trained",
            "anchors": {"scales": [28], "ratios": [1]},
            "rpn": {"channels": 8, "batch": 32},
            "proposals": {
                "train_before_nms": 60,
                "train_count": 20,
                "test_before_nms": 60,
                "test_count": 10,
            },
            "regions": {"size": 4, "batch": 8},
        },
        "optimizer": {"batch_size": 2},
        "schedule": {"iterations": 4, "learning_rate": 0.01},
        "seed": 7,
    },
    "replicas": CIFAR
    | {
        "model": NET | {"batch_norm": {"statistics": "recomputed", "statistics_batches": 2}},
        "numerics": {"replicas": 2},
    },
}
"""Name -> a spec, of each part of ``benchmark/spec/recipe.py`` at least one."""

PROCESSES = (tuple(name for name in RUNS if name != "replicas"), ("replicas",))
"""Those that one process trains after the other: replicas are made before TensorFlow starts."""

TOLERANCE = {"train_loss": 2e-3, "test_loss": 2e-3, "gradient_norm": 2e-2}
"""What is compared where a processor's bits are not known, and by how much it may differ, relative.
With two threads, or without oneDNN, up to 6e-4, 8e-4 and 8e-3 were seen, all in bfloat16."""


def train(name):
    """Train one in this process: the numbers of its recipe, its losses and its weights' digest."""
    import keras

    from benchmark.data import sources
    from benchmark.spec import RunSpec
    from benchmark.spec.recipe import recipe
    from benchmark.training import loop

    data = RUNS[name]
    if data["dataset"].get("content"):
        data = data | {"dataset": data["dataset"] | {"content": added_photographs()}}
    spec = RunSpec.model_validate(data)
    keras.backend.clear_session()
    keras.config.set_dtype_policy(
        "float32" if spec.numerics.precision == "float32" else spec.numerics.precision
    )
    keras.utils.set_random_seed(spec.seed)
    pretrained = foreign_weights(spec) if spec.pretrained else None
    keras.utils.set_random_seed(spec.seed)
    events = []
    loop.train(spec, sources.load(spec.dataset), events.append, pretrained=pretrained)
    row = next(event for event in reversed(events) if event["event"] == "epoch")
    return {
        "recipe": recipe(spec),
        "losses": {loss: row[loss] for loss in TOLERANCE if loss in row},
        "weights_sha256": events[-1]["final_weights_sha256"],
    }


def foreign_weights(spec):
    """Those of another net of the same layers, with other statistics, and a normalisation."""
    import numpy as np

    from benchmark.data.normalization import Normalization
    from benchmark.models.build import build_model
    from benchmark.models.pretrained import Pretrained
    from benchmark.training.weights import weight_arrays

    rng = np.random.default_rng(0)
    net = build_model(spec.model, (32, 32, 3), 7)
    arrays = {
        path: np.abs(array + rng.uniform(-0.1, 0.1, array.shape)).astype(np.float32)
        if "moving" in path
        else array
        for path, array in weight_arrays(net).items()
    }
    mean = rng.uniform(0, 255, (32, 32, 3)).astype(np.float32)
    return Pretrained(arrays, Normalization(mean, np.array(1 / 255, np.float32)))


def added_photographs():
    """The content of files that are the same bytes, or the same pixels, everywhere: the JPEGs that
    scikit-learn ships, as they are, and PNGs of enlarged CIFAR images, which lose nothing."""
    import numpy as np
    from PIL import Image

    from benchmark.data import cifar10
    from benchmark.data.photographs import registry

    root = Path(os.environ["RESNET_BENCH_DATA"], "tree")
    images = cifar10.load("cifar10-subset").train_images
    for number, kind in enumerate(("china", "flower")):
        jpeg = (files("sklearn.datasets") / "images" / f"{kind}.jpg").read_bytes()
        for split, count in (("train", 3), ("val", 1)):
            folder = root / split / kind
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "0.jpg").write_bytes(jpeg)
            for index in range(1, count + 1):
                pixels = images[10 * index + 3 * number + (split == "val")]
                larger = np.repeat(np.repeat(pixels, 2, axis=0), 1 + index, axis=1)
                Image.fromarray(larger).save(folder / f"{index}.png")
    return registry.add("golden", root).content.model_dump()


def machine():
    """The class of this processor, and the versions of what computes: of these the bits are."""
    from benchmark.records.provenance import provenance

    made = provenance()
    processor = made["processor"].split() or ["unknown"]
    sets = [each for each in INSTRUCTIONS if each in processor]
    versions = [f"{name} {made['versions'][name]}" for name in LIBRARIES]
    return ", ".join([" ".join([processor[0], *sets]), *versions])


def train_all(names=PROCESSES, **environment):
    """Train them in processes of their own. Returns name -> what ``train`` returns."""
    found = {}
    usual = {name: value for name, value in os.environ.items() if name not in FLAGS}
    for group in names:
        with tempfile.TemporaryDirectory() as cache:
            own = {"RESNET_BENCH_DATA": cache, "CUDA_VISIBLE_DEVICES": ""}
            done = subprocess.run(
                [sys.executable, __file__, *group],
                env=usual | own | environment,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        found |= json.loads(done.stdout.splitlines()[-1])
    return found


def problem(name, known, run, here):
    """What is wrong with a run, and what is to be done; None where nothing is. ``known``: its
    entry in the file; ``here``: the machine."""
    if known.get("recipe") != run["recipe"]:
        return (
            f"{name} is recorded for the numbers {known.get('recipe')} and has {run['recipe']}: "
            "record it with python tests/golden_runs.py --record"
        )
    digest = known["weights_sha256"].get(here)
    if digest not in (None, run["weights_sha256"]):
        return (
            f"{name} has other bits under the same number, so ids would mix two codes' results: "
            "find the change that does it and take it back, or raise the number of its part in "
            "benchmark/spec/recipe.py and run python tests/golden_runs.py --record"
        )
    for loss, wanted in known["losses"].items():
        received = run["losses"].get(loss, float("nan"))
        if not abs(received - wanted) <= TOLERANCE[loss] * abs(wanted):
            return (
                f"{name}: {loss} must be {wanted} to {TOLERANCE[loss]:g}. Received: {received}. "
                "Find the change, or raise a number in benchmark/spec/recipe.py"
            )
    return None


def record():
    """Add this machine's bits, or those of raised numbers."""
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    here = machine()
    for name, run in train_all().items():
        old = golden.get(name, {})
        if old.get("recipe") != run["recipe"]:
            old = {}
        known = old.get("weights_sha256", {})
        if known.get(here, run["weights_sha256"]) != run["weights_sha256"]:
            sys.exit(f"{name}: other bits. Raise a number in benchmark/spec/recipe.py first")
        golden[name] = {
            "recipe": run["recipe"],
            "losses": old.get("losses", run["losses"]),
            "weights_sha256": known | {here: run["weights_sha256"]},
        }
    GOLDEN.write_text(json.dumps({name: golden[name] for name in RUNS}, indent=2) + "\n")


def main(arguments):
    if arguments == ["--record"]:
        record()
        return
    from benchmark.spec import NumericsSpec
    from benchmark.training import process

    replicas = RUNS[arguments[0]].get("numerics", {}).get("replicas", 1)
    threads = int(os.environ.get("GOLDEN_THREADS", "1"))
    process.configure(NumericsSpec(replicas=replicas, threads=threads), 0)
    print(json.dumps({name: train(name) for name in arguments}))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(sys.argv[1:])
