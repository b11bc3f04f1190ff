"""Every default of every spec class, pinned.

An id leaves out each field that has its default. So another default would give old results new
meanings under ids that exist: **a default never changes**. A new field's default is what was done
before there was the field. Values that are filled in from other fields (the drops of a schedule,
the blocks of a depth) are in the id, so they are pinned by ``test_ids.py`` alone.
"""

import typing

import pytest

from benchmark.spec import RunSpec
from benchmark.spec.base import Spec

REQUIRED = "stated or filled in"
"""For fields without a default."""

DEFAULTS = {
    "RunSpec": {
        "dataset": REQUIRED,
        "model": REQUIRED,
        "detector": None,
        "optimizer": ("SgdSpec", {"kind": "sgd"}),
        "schedule": ("PiecewiseSchedule", {"kind": "piecewise", "drops": [32000, 48000]}),
        "evaluation": ("EvaluationSpec", {}),
        "numerics": ("NumericsSpec", {}),
        "diagnostics": ("DiagnosticsSpec", {}),
        "pretrained": None,
        "seed": REQUIRED,
    },
    "CifarSpec": {
        "kind": "cifar",
        "name": REQUIRED,
        "only_classes": None,
        "train_per_class": None,
        "held_out_images": 0,
        "normalization": "per-pixel-mean",
        "pixel_range": "0-1",
        "augmentation": "pad-crop-flip",
        "padding": "zero",
    },
    "PhotographsSpec": {
        "kind": "photographs",
        "name": REQUIRED,
        "content": None,
        "held_out_images": 0,
        "normalization": "per-pixel-mean",
        "statistics_images": 10000,
        "pixel_range": "0-1",
        "augmentation": "scale-crop-flip",
        "crop_size": 224,
        "shorter_side": None,
        "test_shorter_side": REQUIRED,
        "lighting": True,
    },
    "ContentSpec": {
        "classes": REQUIRED,
        "train_images": REQUIRED,
        "test_images": REQUIRED,
        "sha256": REQUIRED,
    },
    "BoxesSpec": {
        "kind": "boxes",
        "name": REQUIRED,
        "content": None,
        "pasted": None,
        "shorter_side": 600,
        "longest_side": 1000,
        "padding": "square",
        "normalization": "torch",
        "flip": True,
        "max_boxes": 100,
        "train_without_objects": False,
    },
    "BoxContentSpec": {
        "classes": REQUIRED,
        "train_images": REQUIRED,
        "test_images": REQUIRED,
        "sha256": REQUIRED,
    },
    "PastedSpec": {
        "train_canvases": 2000,
        "test_canvases": 200,
        "only_classes": None,
        "side": 128,
        "max_objects": 4,
        "min_scale": 0.75,
        "max_scale": 1.5,
        "background": "photograph",
        "seed": 0,
    },
    "ResNetSpec": {
        "family": "resnet",
        "stem": REQUIRED,
        "depth": REQUIRED,
        "block": REQUIRED,
        "stage_blocks": REQUIRED,
        "stage_widths": REQUIRED,
        "shortcut": REQUIRED,
        "zero_pad": None,
        "subsampling": None,
        "bottleneck_stride": None,
        "batch_norm": ("BatchNormSpec", {}),
        "conv_bias": False,
        "dropout_rate": 0.0,
        "initializer": "he-fan-in",
        "classifier_initializer": "same",
        "initializer_stddev": None,
    },
    "PreactivationSpec": {
        "family": REQUIRED,
        "stem": REQUIRED,
        "depth": REQUIRED,
        "block": REQUIRED,
        "stage_blocks": REQUIRED,
        "stage_widths": REQUIRED,
        "shortcut": REQUIRED,
        "zero_pad": None,
        "subsampling": None,
        "bottleneck_stride": None,
        "batch_norm": ("BatchNormSpec", {}),
        "conv_bias": False,
        "dropout_rate": 0.0,
        "initializer": "he-fan-in",
        "classifier_initializer": "same",
        "initializer_stddev": None,
        "order": "full-preactivation",
        "on_shortcut": None,
    },
    "ScaledShortcut": {"kind": REQUIRED, "shortcut": 0.5, "residual": 0.5},
    "GatedShortcut": {"kind": REQUIRED, "exclusive": True, "initial_bias": -6.0},
    "DroppedShortcut": {"kind": REQUIRED, "rate": 0.5},
    "BatchNormSpec": {
        "momentum": 0.9,
        "epsilon": 1e-05,
        "zero_gamma": False,
        "statistics": "moving",
        "statistics_batches": None,
    },
    "VggSpec": {
        "family": REQUIRED,
        "depth": 16,
    },
    "DetectorSpec": {
        "training": "approximate-joint",
        "batch_norm": "fixed",
        "frozen_stages": 0,
        "crowd_overlap": 0.5,
        "anchors": ("AnchorSpec", {}),
        "rpn": ("RpnSpec", {}),
        "proposals": ("ProposalSpec", {}),
        "regions": ("RegionSpec", {}),
        "inference": ("InferenceSpec", {}),
    },
    "AnchorSpec": {
        "scales": (128.0, 256.0, 512.0),
        "ratios": (0.5, 1.0, 2.0),
    },
    "RpnSpec": {
        "channels": 512,
        "positive_iou": 0.7,
        "negative_iou": 0.3,
        "batch": 256,
        "positive_share": 0.5,
        "inside_only": True,
        "box_weight": 10.0,
    },
    "ProposalSpec": {
        "train_before_nms": 12000,
        "train_count": 2000,
        "test_before_nms": 6000,
        "test_count": 300,
        "nms_iou": 0.7,
        "min_side": 0.0,
    },
    "RegionSpec": {
        "batch": 128,
        "positive_share": 0.25,
        "positive_iou": 0.5,
        "negative_iou": 0.0,
        "pooling": "align",
        "size": 14,
        "samples": 2,
        "global_context": False,
        "box_stddevs": (0.1, 0.1, 0.2, 0.2),
    },
    "InferenceSpec": {
        "score_threshold": 0.05,
        "nms_iou": 0.3,
        "max_detections": 100,
        "box_refinement": False,
        "voting_iou": 0.5,
        "scales": None,
    },
    "SgdSpec": {
        "kind": "sgd",
        "batch_size": 128,
        "momentum": 0.9,
        "nesterov": False,
        "momentum_form": "caffe",
        "weight_decay": 0.0001,
        "weight_decay_form": "coupled",
        "weight_decay_scope": "all",
    },
    "PiecewiseSchedule": {
        "iterations": 64000,
        "learning_rate": 0.1,
        "warmup": None,
        "kind": "piecewise",
        "factor": 0.1,
        "drops": REQUIRED,
    },
    "WarmupSpec": {
        "kind": "until-train-error",
        "learning_rate": 0.01,
        "until_train_error_percent": 80.0,
        "window_iterations": 100,
    },
    "PlateauSchedule": {
        "iterations": 64000,
        "learning_rate": 0.1,
        "warmup": None,
        "kind": "plateau",
        "factor": 0.1,
        "of": "train",
        "patience": 5,
        "threshold_percent": 0.1,
        "max_drops": 3,
    },
    "CosineSchedule": {
        "iterations": 64000,
        "learning_rate": 0.1,
        "warmup": None,
        "kind": "cosine",
    },
    "EvaluationSpec": {
        "every_epochs": 1,
        "batch_size": 500,
    },
    "NumericsSpec": {
        "precision": "float32",
        "loss_scale": None,
        "threads": 1,
        "deterministic": True,
        "xla": False,
        "replicas": 1,
    },
    "DiagnosticsSpec": {
        "iterations": (),
    },
    "PretrainedRun": {
        "mode": REQUIRED,
        "head_classes": None,
        "backbone_rate": 1.0,
        "other_preprocessing": False,
        "source": "run",
        "name": REQUIRED,
    },
    "PretrainedApplication": {
        "mode": REQUIRED,
        "head_classes": None,
        "backbone_rate": 1.0,
        "other_preprocessing": False,
        "source": "keras-applications",
        "name": REQUIRED,
        "sha256": None,
    },
    "PretrainedFile": {
        "mode": REQUIRED,
        "head_classes": None,
        "backbone_rate": 1.0,
        "other_preprocessing": False,
        "source": "file",
        "name": REQUIRED,
        "preprocessing": REQUIRED,
        "sha256": REQUIRED,
    },
}
"""Class -> field -> its default; of a spec its class, and what is stated in it."""


def specs_in(annotation):
    """The spec classes of a field's type."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for part in typing.get_args(annotation):
        yield from specs_in(part)


def spec_classes(start=RunSpec):
    """All classes that a spec is made of, by name."""
    found, left = {}, [start]
    while left:
        kind = left.pop()
        if kind.__name__ not in found:
            found[kind.__name__] = kind
            for field in kind.model_fields.values():
                left += specs_in(field.annotation)
    return found


def default_of(field):
    if field.is_required():
        return REQUIRED
    default = field.get_default(call_default_factory=True)
    return (type(default).__name__, default.stated()) if isinstance(default, Spec) else default


def problems(kind, pinned):
    """What differs from the table, and what is to be done, a line each."""
    found = {name: default_of(field) for name, field in kind.model_fields.items()}
    for name in found.keys() - pinned.keys():
        yield (
            f"{kind.__name__}.{name} is new: if its default, {found[name]!r}, is what was done "
            "before there was the field, add it to DEFAULTS; if not, choose one that is"
        )
    for name in pinned.keys() - found.keys():
        yield (
            f"{kind.__name__}.{name} is gone: old specs state it and could not be read, so keep it"
        )
    for name in found.keys() & pinned.keys():
        now, was = found[name], pinned[name]
        if (now, type(now)) != (was, type(was)):
            yield (
                f"{kind.__name__}.{name} is {now!r} by default and was {was!r}: change it back, "
                "since ids of old results leave it out; what differs is stated in suites"
            )


def test_the_table_has_each_class():
    assert spec_classes().keys() == DEFAULTS.keys(), "add the class to DEFAULTS, or take it out"


@pytest.mark.parametrize("name", DEFAULTS)
def test_no_default_ever_changes(name):
    assert not list(problems(spec_classes()[name], DEFAULTS[name]))


def test_a_changed_a_new_and_a_lost_default_are_found():
    class Changed(Spec):
        same: float = 0.5
        rate: float = 9.0
        added: int | None = None
        needed: int

    pinned = {"same": 0.5, "rate": 10.0, "lost": 1, "needed": REQUIRED}
    found = [line.split()[0].removeprefix("Changed.") for line in problems(Changed, pinned)]
    assert found == ["added", "lost", "rate"]
    assert list(problems(Changed, {"same": 0.5, "rate": 9, "added": None, "needed": REQUIRED}))
    assert not list(
        problems(Changed, {"same": 0.5, "rate": 9.0, "added": None, "needed": REQUIRED})
    )


def test_all_that_is_reachable_is_walked():
    """Unions, options and specs within specs."""
    assert {"VggSpec", "PlateauSchedule", "WarmupSpec", "RpnSpec", "BoxContentSpec"} <= (
        spec_classes().keys()
    )
