"""The weights that a run starts from: another run's, keras.applications', or a file's."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.data.cache import cache_folder
from benchmark.data.contents import of_unreadable, told_of
from benchmark.data.images import DataError
from benchmark.data.normalization import CAFFE, TORCH, Normalization
from benchmark.models.pretrained import Pretrained
from benchmark.records.store import RunFolder
from benchmark.spec import (
    ModelSpec,
    PretrainedApplication,
    PretrainedFile,
    PretrainedRun,
    RunSpec,
)
from benchmark.spec.pretrained import APPLICATIONS_CLASSES
from benchmark.status import Status

if TYPE_CHECKING:
    import keras


def pretrained_of(spec: RunSpec, runs: Path) -> Pretrained | None:
    """Return the weights that ``spec`` starts from, checked; None if its weights are initialized at
    random. ``runs``: the folder of the runs.

    Raises DataError if the weights are missing, or are not those that the spec names.
    """
    own = spec.pretrained
    if own is None:
        return None
    if isinstance(own, PretrainedRun):
        found = _of_run(spec, own, RunFolder(runs / own.name))
    elif isinstance(own, PretrainedApplication):
        found = _of_application(spec, own)
    else:
        found = _of_file(spec, own)
    _require_finite(own.name, found.arrays)
    return found


def _require_finite(what: str, arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            rule = f"the pretrained weights of {what} must be real numbers"
            raise DataError(f"{rule}. Received: {name} of type {array.dtype}")
        if not np.isfinite(array).all():
            count = int(np.size(array) - np.isfinite(array).sum())
            rule = f"the pretrained weights of {what} must be finite"
            raise DataError(f"{rule}. Received: {name} with {count} values that are not")


_TRAINING_ALONE = (
    *("initializer", "classifier_initializer", "initializer_stddev", "dropout_rate"),
    *("batch_norm.momentum", "batch_norm.zero_gamma"),
    *("batch_norm.statistics", "batch_norm.statistics_batches"),
    *("on_shortcut.initial_bias", "on_shortcut.rate"),
)
"""Fields of a net that do not matter to what it computes once it is trained."""


def _of_run(spec: RunSpec, own: PretrainedRun, source: RunFolder) -> Pretrained:
    from benchmark.training.weights import weight_arrays

    done = finished(source)
    if own.mode == "as-published":
        ours, theirs = (_computed(each.model) for each in (spec, done.spec))
        if differ := sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name)):
            name = differ[0]
            rule = f"model.{name} must be {theirs.get(name)}, as of the run with these weights"
            raise DataError(f"{rule}. Received: {ours.get(name)}")
    return Pretrained(weight_arrays(done.model), done.normalization)


def _computed(net: ModelSpec) -> dict[str, object]:
    """Return the fields of a net on which its outputs depend, by their dotted names."""
    fields: dict[str, object] = {}
    for name, value in net.model_dump(mode="json").items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        fields |= {f"{name}.{part}".rstrip("."): each for part, each in parts}
    return {name: value for name, value in fields.items() if name not in _TRAINING_ALONE}


class Finished(NamedTuple):
    """A finished run, ready for use."""

    spec: RunSpec
    model: "keras.Model"
    normalization: Normalization
    weights_sha256: str


def finished(source: RunFolder) -> Finished:
    """Build a finished run's net with its weights, whose digest is checked. Raises DataError."""
    from safetensors.numpy import load_file

    from benchmark.training.net import build_net
    from benchmark.training.weights import weights_sha256

    result = source.result() or {}
    if result.get("status") != Status.FINISHED:
        raise DataError(
            f"the run must be a finished one of {source.path.parent}. "
            f"Received: {source.run_id}, which is {source.status()}"
        )
    try:
        source.require_own_id()
        stored, preprocessing = load_file(source.weights), load_file(source.preprocessing)
        theirs = RunSpec.model_validate(source.spec())
    except Exception as error:  # A file is missing, torn, or from an older version.
        received = of_unreadable(error, source.weights, source.preprocessing)
        raise DataError(f"{source.path} must hold a whole run. Received: {received}") from error
    net = build_net(theirs)
    for weight in net.weights:
        if weight.path not in stored:
            raise DataError(f"{source.weights} must hold {weight.path}. Received: without it")
        array = stored[weight.path]
        if array.shape != tuple(weight.shape):
            rule = f"{source.weights} must hold {weight.path} of shape {tuple(weight.shape)}"
            raise DataError(f"{rule}. Received: {array.shape}")
        weight.assign(array)
    digest = weights_sha256(net)
    if digest != result["final_weights_sha256"]:
        raise DataError(f"{source.weights} must have the digest that result.json names")
    return Finished(theirs, net, Normalization.of_arrays(preprocessing), digest)


def _of_application(spec: RunSpec, own: PretrainedApplication) -> Pretrained:
    import keras

    from benchmark.models.families import net_of
    from benchmark.training.weights import arrays_sha256

    try:
        net = getattr(keras.applications, own.name)(weights="imagenet")
    except Exception as error:  # Its network layer may raise anything.
        why = " ".join(str(error).split())[:300]
        raise DataError(
            f"the weights of keras.applications.{own.name} are not available ({why}). Without a "
            "network, put the file that Keras names into ~/.keras/models"
        ) from error
    family = net_of(spec.model)
    arrays = family.application_weights(net)
    _require(own, arrays_sha256(dict(sorted(arrays.items()))), f"keras.applications.{own.name}")
    by_path = arrays if family.BY_PATH else _by_path(spec, arrays, APPLICATIONS_CLASSES)
    return Pretrained(by_path, CAFFE)


def _of_file(spec: RunSpec, own: PretrainedFile) -> Pretrained:
    from benchmark.models.reference_weights import stride_note

    path = cache_folder() / "weights" / own.name
    try:
        received = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        received = "a folder" if path.is_dir() else f"{error.strerror}"
        rule = f"{path} must hold pretrained weights"
        raise DataError(f"{rule}. Received: {received}") from error
    _require(own, received, str(path), told_of(path))
    arrays = _read(path)
    _require_finite(str(path), arrays)
    ends = ("fc.bias", "linear.bias")
    heads = [array for name, array in arrays.items() if name.endswith(ends) and array.ndim == 1]
    if len(heads) != 1:
        names = ", ".join([*arrays][:5]) or "no arrays"
        rule = f"{path} must hold one fc.bias or linear.bias"
        raise DataError(f"{rule}. Received: {len(heads)}, among {names} ...")
    preprocessing = CAFFE if own.preprocessing == "caffe" else TORCH
    note = stride_note(spec.model, arrays, own.preprocessing)
    return Pretrained(_by_path(spec, arrays, len(heads[0])), preprocessing, note)


def _read(path: Path) -> Mapping[str, np.ndarray]:
    from safetensors.numpy import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # Each library has its own errors for invalid files.
        rule = f"{path} must hold pretrained weights, as a {path.suffix} file of plain arrays"
        raise DataError(f"{rule}. Received: {of_unreadable(error, path)}") from error


def _by_path(
    spec: RunSpec, arrays: Mapping[str, np.ndarray], classes: int
) -> Mapping[str, np.ndarray]:
    """Map weights with the reference's names and layout to the paths of this project's net."""
    from benchmark.models.build import build_model
    from benchmark.models.reference_weights import load_reference_weights
    from benchmark.training.weights import weight_arrays

    net = build_model(spec.model, spec.dataset.image_shape, classes)
    try:
        load_reference_weights(net, arrays)
    except ValueError as error:
        raise DataError(f"the pretrained weights must fit the spec's net: {error}") from error
    return weight_arrays(net)


def _require(
    own: PretrainedApplication | PretrainedFile, received: str, what: str, told: str = ""
) -> None:
    if own.sha256 not in (None, received):
        about = f", {told}" if told else ""
        raise DataError(f"{what} must have the SHA-256 {own.sha256}. Received: {received}{about}")
