"""Test a finished run by a protocol other than that of its training, in parts that are kept, so
that an interrupted test resumes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.images import DataError
from benchmark.evaluation.views.protocols import of_name
from benchmark.records.ensembles import ensembles, errors_of, save_errors
from benchmark.records.files import read_json, write_bytes, write_json
from benchmark.records.store import RunFolder, Store
from benchmark.spec import LabelledSpec
from benchmark.spec.protocol import ProtocolName
from benchmark.suite.claims import Claim

PART = 1000
"""Number of images per file."""

_Part = tuple[np.ndarray, np.ndarray]
"""Probabilities and labels of some images."""


@dataclass(frozen=True)
class Evaluated:
    """The class probabilities of each image, and the errors computed from them."""

    name: str
    probabilities: np.ndarray
    """(images, classes) float32."""
    labels: np.ndarray
    result: dict[str, Any]


def evaluate(
    folder: RunFolder,
    name: ProtocolName,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Evaluated:
    """Score each image of the test split once, in float32, and keep the probabilities in
    ``evaluations/PROTOCOL/`` in the run's folder; images already there are not scored again.

    ``tell``: called with the numbers of images done and of all images. Raises DataError if the run,
    its weights or its images cannot be used.
    """
    from benchmark.data import sources
    from benchmark.evaluation.views.multi import SPLIT, scored_in_parts
    from benchmark.worker.pretrained import finished

    run = finished(folder)
    if run.spec.detector:
        rule = (
            "a detector is tested another way by a run of its weights (pretrained.mode "
            "as-published) with another detector.inference, not by a protocol for classifiers"
        )
        raise DataError(f"{rule}. Received: {folder.run_id} and {name}")
    dataset = run.spec.dataset
    assert isinstance(dataset, LabelledSpec)  # RunSpec guarantees it.
    protocol = of_name(name, dataset.image_shape[0])
    images = sources.load(dataset)
    own = {
        "protocol": protocol.name,
        "views": protocol.views,
        "split": SPLIT,
        "weights_sha256": run.weights_sha256,
        "dataset_sha256": images.sha256,
    }
    place = folder.evaluations / protocol.name
    _make_place(place, own)
    data = sources.feed(dataset, images, run.normalization)
    found = _parts(place)
    done = sum(len(labels) for _, labels in found)
    tell(done, data.scored_counts[SPLIT])
    for part in scored_in_parts(run.spec, run.model, data, protocol, PART, done):
        _keep(place, len(found), part)
        found.append(part)
        done += len(part[1])
        tell(done, data.scored_counts[SPLIT])
    probabilities, labels = _joined(found)
    result = own | errors(probabilities, labels)
    write_json(place / "result.json", result)
    return Evaluated(folder.run_id, probabilities, labels, result)


def kept(folder: RunFolder, protocol: str) -> Evaluated:
    """Return the probabilities that ``evaluate`` kept for a run that it tested to the end. Raises
    DataError if they are no longer complete."""
    place, result = folder.evaluations / protocol, folder.tested()[protocol]
    parts = _parts(place)
    if sum(len(labels) for _, labels in parts) != result["images"]:
        raise DataError(
            f"{place} must hold the probabilities of {result['images']} images. To test the run "
            f"again: resnet-bench evaluate {folder.path} --protocol {protocol}"
        )
    return Evaluated(folder.run_id, *_joined(parts), result)


def ensemble(evaluated: Iterable[Evaluated]) -> dict[str, Any]:
    """Return the errors of the mean of several nets' probabilities (table 5). Raises DataError if
    these are not for the same images."""
    rest = iter(evaluated)
    first = next(rest)
    total, count = first.probabilities.astype(np.float64), 1
    for each in rest:  # One at a time, since they may be large.
        same = each.result["dataset_sha256"] == first.result["dataset_sha256"]
        if not (same and np.array_equal(each.labels, first.labels)):
            rule = "an ensemble's runs must be scored on the same images"
            raise DataError(f"{rule}. Received: {first.name} and {each.name}")
        total, count = total + each.probabilities, count + 1
    return errors(total / count, first.labels)


def score_ensembles(store: Store, suite: str, claims: Sequence[Claim]) -> None:
    """Save the errors of the ensembles that a suite's claims are about, if their runs were tested.
    Raises DataError if the kept probabilities of one of these are no longer complete."""
    found = []
    for each in ensembles(store, suite, claims):
        if not each.diverged:
            of_each = (kept(folder, each.protocol) for folder in each.folders)
            found.append((each, errors_of(store, suite, each) or ensemble(of_each)))
    if found:
        save_errors(store, suite, found)


def errors(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return top-1 and top-5 error in percent; of equal probabilities, the first class ranks first.
    With five classes or fewer there is no top-5 error: it would always be 0."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    hits = order == labels[:, None]
    top5 = float(100 - 100 * hits[:, :5].any(1).mean()) if probabilities.shape[1] > 5 else None
    return {
        "images": len(labels),
        "top1_error_percent": float(100 - 100 * hits[:, :1].any(1).mean()),
        "top5_error_percent": top5,
    }


def _joined(parts: Sequence[_Part]) -> tuple[np.ndarray, np.ndarray]:
    probabilities, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return probabilities, labels


def _make_place(place: Path, own: dict[str, Any]) -> None:
    """Make the folder where the parts are kept; those of other weights or images are deleted."""
    place.mkdir(parents=True, exist_ok=True)
    if read_json(place / "of.json") != own:
        for file in (*place.glob("part-*.safetensors"), place / "result.json"):
            file.unlink(missing_ok=True)
        write_json(place / "of.json", own)


def _keep(place: Path, number: int, part: _Part) -> None:
    from safetensors.numpy import save

    probabilities, labels = part
    write_bytes(_file(place, number), save({"probabilities": probabilities, "labels": labels}))


def _parts(place: Path) -> list[_Part]:
    """Return the parts up to the first that is missing or unreadable."""
    from safetensors.numpy import load_file

    found: list[_Part] = []
    while (file := _file(place, len(found))).exists():
        try:
            arrays = load_file(file)
        except Exception:  # Torn: score it again, and those after it.
            break
        found.append((arrays["probabilities"], arrays["labels"]))
    return found


def _file(place: Path, number: int) -> Path:
    return place / f"part-{number:05d}.safetensors"
