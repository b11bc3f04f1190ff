"""Export of a finished run's net to a folder, in one format, with its card."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmark.data.images import DataError
from benchmark.data.normalization import Normalization
from benchmark.export import Format
from benchmark.export.card import card
from benchmark.export.plain_keras import plain_keras
from benchmark.records.files import write_bytes, write_text
from benchmark.records.store import RunFolder
from benchmark.spec import ResNetSpec
from benchmark.spec.preactivation import PreactivationSpec
from benchmark.worker.pretrained import Finished, finished


def export_run(folder: RunFolder, format_: Format, out: Path) -> list[Path]:
    """Export a run's net and return the files written: the net's and ``README.md``, its card.

    Raises DataError if the run has no net to export, ImportError if the format needs a package that
    is not installed.
    """
    run = finished(folder)
    if run.spec.detector:
        raise DataError(f"an exported run must be a classifier's. Received: {folder.run_id}")
    out.mkdir(parents=True, exist_ok=True)
    write, what = _FORMATS[format_]
    file = out / f"{run.model.name}.{format_}"
    write(run, file)
    write_text(out / "README.md", card(run.model.name, folder, run.spec, file.name, what))
    return [file, out / "README.md"]


def _keras(run: Finished, file: Path) -> None:
    plain_keras(run.model, run.normalization).save(file)


def _onnx(run: Finished, file: Path) -> None:
    import onnx  # noqa: F401  Keras names only the first missing package.
    import tf2onnx  # noqa: F401

    net = plain_keras(run.model, run.normalization)
    net(np.zeros((1, *net.input_shape[1:]), np.float32))  # Keras exports only a called net.
    net.export(file, format="onnx", verbose=False)


def _safetensors(run: Finished, file: Path) -> None:
    from safetensors.numpy import save

    from benchmark.models.reference_weights import reference_weights

    net = run.spec.model
    same = isinstance(net, PreactivationSpec) and net.order == "original" and not net.on_shortcut
    if not (isinstance(net, ResNetSpec) or same):  # Others would load and compute something else.
        rule = "a net with the names of a torch-style state dict must be a ResNet or a plain net"
        raise DataError(f"{rule}. Received: {net.name}")
    arrays = reference_weights(run.model).items()
    header = {"format": "pt", "model": net.model_dump_json()} | _preprocessing(run.normalization)
    write_bytes(file, save({name: np.ascontiguousarray(array) for name, array in arrays}, header))


def _preprocessing(normalization: Normalization) -> dict[str, str]:
    """Return the preprocessing for the file's header: as arrays in the state dict it would not load
    into a net that lacks them."""
    return {
        "input": "(pixels - mean) * scale, pixels 0 to 255",
        "channels": "BGR" if normalization.blue_first else "RGB",
        "mean": json.dumps(normalization.mean.tolist()),
        "scale": json.dumps(normalization.scale.tolist()),
    }


_FORMATS: dict[Format, tuple[Callable[[Finished, Path], None], str]] = {
    Format.KERAS: (
        _keras,
        "`keras.models.load_model(file)` takes pixels (batch, height, width, 3), red first, 0 to "
        "255, and returns logits. It needs no package other than Keras.",
    ),
    Format.SAFETENSORS: (
        _safetensors,
        "weights under the names of a torch-style state dict (`conv1.weight`, "
        "`layer1.0.conv1.weight`, `linear.weight`); the net's fields, on which what they compute "
        "depends, and the normalization of pixels are in the file's metadata.",
    ),
    Format.ONNX: (
        _onnx,
        "takes pixels (batch, height, width, 3), red first, 0 to 255, float32, and returns logits.",
    ),
}
