"""Made-up records of suites with detectors: plain specs, journals, what was found and shown."""

import json

import numpy as np

from benchmark.data import cifar10
from benchmark.data.detection.pasted import canvas, example
from benchmark.evaluation.boxes.detections import Detections, to_json
from benchmark.records.detection_images import Shown, save_shown
from benchmark.records.files import write_json, write_text
from benchmark.records.journal import Journal
from benchmark.records.result import summarize
from benchmark.records.store import Store
from benchmark.spec import DetectorSpec, PastedSpec, ResNetSpec, RunSpec

CLASSES = list(cifar10.CLASSES)
PASTED = PastedSpec(test_canvases=8)
IDS = [0, 1, 2, 3, 4]


def classifier_spec(**changes):
    """Plain data; ``changes``: part -> fields."""
    data = {
        "dataset": {"name": "cifar10-subset"},
        "model": {"stem": "cifar", "depth": 20, "shortcut": "A"},
        "seed": 0,
    }
    return changed(RunSpec.model_validate(data).model_dump(mode="json"), changes)


def detector_spec(name="pasted-cifar", **changes):
    """Plain data of a run as appendix A has it, but for its data where ``name`` is another's."""
    model = ResNetSpec(stem="imagenet", depth=101, shortcut="B")
    schedule = {"kind": "piecewise", "learning_rate": 0.001, "factor": 0.1}
    short = {"iterations": 320_000, "drops": [240_000]}
    spec = classifier_spec() | {
        "dataset": {"kind": "boxes", "name": name, "shorter_side": 600, "longest_side": 1000},
        "model": model.model_dump(mode="json"),
        "detector": DetectorSpec(regions={"pooling": "max"}).model_dump(mode="json"),
        "pretrained": {"source": "keras-applications", "name": "ResNet101", "mode": "train-all"},
    }
    spec["schedule"] = spec["schedule"] | schedule | short
    spec["optimizer"] = spec["optimizer"] | {"batch_size": 8}
    return changed(spec, changes)


def changed(spec, changes):
    spec = json.loads(json.dumps(spec))
    for part, fields in changes.items():
        spec[part] = spec[part] | fields if isinstance(fields, dict) else fields
    return spec


def detector_epochs(last, epochs=6, per_epoch=50, **others):
    """AP rises to ``last``."""
    for number in range(1, epochs + 1):
        ap = last * (1 - 0.6**number) / (1 - 0.6**epochs)
        loss = 0.3 + 2.0 * 0.7**number
        yield {
            "epoch": number,
            "iteration": per_epoch * number,
            "learning_rate": 0.001,
            "train_loss": loss,
            "train_objectness_loss": loss / 10,
            "train_proposals_loss": loss / 10,
            "train_classes_loss": loss / 2,
            "train_boxes_loss": 3 * loss / 10,
            "gradient_norm": 1.0,
            "train_time_s": 100.0,
            "images_per_s": 2.0,
            "test_ap_percent": ap,
            "test_ap50_percent": 1.8 * ap,
            "test_ap75_percent": 0.9 * ap,
            "test_ap_small_percent": None,
            "test_ap_medium_percent": ap,
            "test_ap_large_percent": ap,
            "evaluation_time_s": 3.0,
            **others,
        }


def classifier_epochs(last, epochs=6, per_epoch=40):
    for number in range(1, epochs + 1):
        yield {
            "epoch": number,
            "iteration": per_epoch * number,
            "learning_rate": 0.1,
            "train_loss": 1.0 / number,
            "train_error_percent": last * epochs / number / 2,
            "test_error_percent": last * epochs / number,
            "train_time_s": 10.0,
            "images_per_s": 200.0,
        }


def found_near(truth, rng):
    """Detections of one canvas: most true boxes, a little beside their places, and one more."""
    boxes = [box + rng.normal(0, 2, 4) for box in truth.boxes] + [np.array([3.0, 4.0, 30.0, 40.0])]
    scores = [*rng.uniform(0.5, 1, len(truth.boxes)), 0.3]
    labels = [*truth.labels, int(rng.integers(10))]
    arrays = (np.array(boxes, np.float32), np.array(scores, np.float32), np.array(labels, np.int32))
    return Detections(truth.image_id, *arrays)


def record(store, number, spec, rows, status="finished", parameters=1000):
    """The folder of a run that has ended, without pictures."""
    run = store.run(f"{number:016x}")
    run.path.mkdir(parents=True)
    # Its id is made up, as is one of its fields: it is taken for a run of another version.
    write_json(run.path / "spec.json", spec | {"made_up": True})
    journal = Journal(run.journal)
    journal.append({"event": "start", "attempt": 1})
    built = {"parameters": parameters, "multiply_adds": 10, "device": "CPU", "split": "test"}
    journal.append({"event": "built", "dataset_sha256": "d" * 64, **built})
    for row in rows:
        journal.append({"event": "epoch", **row})
    journal.append({"event": "end", "final_weights_sha256": f"{number:064x}"})
    run.end(summarize(run.events(), status))
    return run


def show(run, seed):
    """Keep what a detector's run found, and the first images."""
    rng, truths = np.random.default_rng(seed), [example(PASTED, "test", i) for i in range(8)]
    write_text(run.detections, to_json(found_near(each, rng) for each in truths))
    shown = [truths[i] for i in IDS]
    pixels = [canvas(PASTED, "test", i) for i in IDS]
    of = {name: [getattr(each, name) for each in shown] for name in ("boxes", "labels", "crowds")}
    save_shown(run, Shown(images=pixels, ids=IDS, classes=CLASSES, **of))


def plan(store, name, cells, claims=()):
    rows = [
        {"variant": v, "seed": s, "run_id": f"{n:016x}", "spec": spec} for v, s, n, spec in cells
    ]
    data = {"suite": name, "source": "the tests' own", "claims": list(claims), "cells": rows}
    write_json(store.suite(name).path / "plan.json", data)


CLAIMS = [
    {
        "statement": "The deeper net detects better.",
        "variant": "rcnn-101",
        "against": "rcnn-50",
        "direction": "higher",
        "metric": "ap_percent",
        "least_seeds": 2,
    },
    {
        "statement": "It does so by 6 points.",
        "variant": "rcnn-101",
        "against": "rcnn-50",
        "direction": "higher",
        "difference": 6.0,
        "margin": 1.0,
        "metric": "ap_percent",
        "least_seeds": 2,
    },
]


def made_up(root, *, classifiers=False, name="pasted-cifar", **others):
    """A suite ``detects`` of two detectors with three seeds, ended and shown, and perhaps the
    classifier that they begin from. ``name``: of the data set; ``others``: of each epoch."""
    store, cells, number = Store(root), [], 0
    nets = {"rcnn-50": (21.2, 50), "rcnn-101": (27.2, 101)}
    for seed in range(3):
        if classifiers:
            spec = classifier_spec(seed=seed)
            record(store, number, spec, classifier_epochs(9.0 + seed / 10), parameters=270_000)
            cells.append(("resnet20", seed, number, spec))
            number += 1
        for variant, (ap, depth) in nets.items():
            spec = detector_spec(name, model={"depth": depth}, seed=seed)
            rows = detector_epochs(ap + (seed - 1) / 10, **others)
            run = record(store, number, spec, rows, parameters=depth * 400_000)
            show(run, number)
            cells.append((variant, seed, number, spec))
            number += 1
    plan(store, "detects", cells, CLAIMS)
    return store
