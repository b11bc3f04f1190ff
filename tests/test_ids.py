"""What is in an id, field by field, and ids that never change again.

An id holds exactly what the trained weights are a function of. Whoever adds a field adds it here,
with a value that gives another id; or as OUT, with a proof that it trains the same bits.
"""

import json
from typing import Any, NamedTuple

import keras
import pytest
from test_defaults import spec_classes, specs_in
from test_training import tiny_spec, trained

from benchmark.spec import RunSpec
from benchmark.spec.base import MEASURED, Spec

OUT = "out"
"""Not in the id: only what is measured depends on it."""

PART = "part"
"""A spec of its own, whose fields have rows of their own."""

ALONE = "alone"
"""A name that has one value so far. In the canonical form, or left out as the default."""


class To(NamedTuple):
    """A value that gives another id than the base does, in which ``both`` is stated as well."""

    value: Any
    both: dict[str, Any] = {}


class Implied(NamedTuple):
    """A value that other fields imply: it changes together with them alone."""

    changes: dict[str, Any]


SHA, OTHER_SHA = "0" * 64, "1" * 64
RUN = {"model": {"stem": "cifar", "depth": 20, "shortcut": "A"}, "seed": 0}
IMAGENET18 = {"stem": "imagenet", "depth": 18, "shortcut": "A"}
OWN = {"classes": 10, "train_images": 999, "test_images": 99, "sha256": SHA}
OF_RUN = {"source": "run", "name": "0" * 16, "mode": "train-all"}
OF_FILE = {
    "source": "file",
    "name": "a.npz",
    "mode": "train-all",
    "sha256": SHA,
    "preprocessing": "torch",
}
BY_BLOCKS = {
    "stem": "cifar",
    "block": "basic",
    "stage_blocks": [2, 2, 2],
    "stage_widths": [4, 8, 16],
    "shortcut": "A",
}
APPLICATION_NET = {
    "stem": "imagenet",
    "shortcut": "B",
    "conv_bias": True,
    "batch_norm": {"epsilon": 1.001e-5},
}
RESNET50 = APPLICATION_NET | {"depth": 50}
RESNET101 = APPLICATION_NET | {"depth": 101}
OF_KERAS = {"source": "keras-applications", "name": "ResNet50", "mode": "train-all"}

PREACTIVATED_FAMILY = {"family": "preactivation-resnet"}
PREACTIVATED_NET = PREACTIVATED_FAMILY | {"stem": "cifar", "depth": 20, "shortcut": "A"}
PREACTIVATED = RUN | {"dataset": {"name": "cifar10"}, "model": PREACTIVATED_NET}


def _on_shortcut(kind):
    return {"model": PREACTIVATED_NET | {"on_shortcut": {"kind": kind}}}


BASES = {
    "cifar": RUN | {"dataset": {"name": "cifar10"}},
    "imagenet": RUN | {"dataset": {"name": "imagenet2012"}, "model": IMAGENET18},
    "photographs": RUN | {"dataset": {"name": "own", "content": OWN}, "model": IMAGENET18},
    "detector": RUN | {"dataset": {"name": "coco2014"}, "model": IMAGENET18, "detector": {}},
    "boxes": RUN
    | {"dataset": {"name": "own", "content": OWN}, "model": IMAGENET18, "detector": {}},
    "pasted": RUN | {"dataset": {"name": "pasted-cifar"}, "detector": {}},
    "vgg": RUN
    | {
        "dataset": {"name": "imagenet2012"},
        "model": {"family": "vgg"},
        "pretrained": OF_KERAS | {"name": "VGG16"},
    },
    "preactivation": PREACTIVATED,
    "scaled": PREACTIVATED | _on_shortcut("constant-scaling"),
    "gated": PREACTIVATED | _on_shortcut("gating"),
    "dropped": PREACTIVATED | _on_shortcut("dropout"),
    "plateau": RUN | {"dataset": {"name": "cifar10"}, "schedule": {"kind": "plateau"}},
    "cosine": RUN | {"dataset": {"name": "cifar10"}, "schedule": {"kind": "cosine"}},
    "from run": RUN | {"dataset": {"name": "cifar10"}, "pretrained": OF_RUN},
    "from file": RUN
    | {"dataset": {"name": "imagenet2012"}, "model": IMAGENET18, "pretrained": OF_FILE},
    "from keras": RUN
    | {"dataset": {"name": "imagenet2012"}, "model": RESNET50, "pretrained": OF_KERAS},
}
"""Valid runs, each changed in a field at a time."""

RESIDUAL = {
    "stem": Implied({"model": IMAGENET18, "dataset.name": "imagenet2012"}),
    "depth": Implied({"depth": 32}),
    "block": To("bottleneck", {"model": BY_BLOCKS}),
    "stage_blocks": To([2, 3, 4], {"model.block": "basic"}),
    "stage_widths": To([8, 16, 32]),
    "shortcut": To("B"),
    "zero_pad": To("both"),
    "subsampling": To("mean"),
    "bottleneck_stride": To("3x3", {"model.depth": 29, "model.block": "bottleneck"}),
    "batch_norm": PART,
    "conv_bias": To(True),
    "dropout_rate": To(0.1),
    "initializer": To("he-fan-out"),
    "classifier_initializer": To("torch-uniform"),
    "initializer_stddev": To(
        0.02, {"model.initializer": "gaussian", "model.initializer_stddev": 0.01}
    ),
}
"""Fields of all residual nets."""

FIELDS = {
    "RunSpec": (
        ("cifar", ""),
        {
            "dataset": PART,
            "model": PART,
            "detector": PART,
            "optimizer": PART,
            "schedule": PART,
            "evaluation": OUT,
            "numerics": PART,
            "diagnostics": OUT,
            "pretrained": PART,
            "seed": To(1),
        },
    ),
    "CifarSpec": (
        ("cifar", "dataset."),
        {
            "kind": ALONE,
            "name": To("cifar10-subset"),
            "only_classes": To([3, 5]),
            "train_per_class": To(10, {"optimizer.batch_size": 50}),
            "held_out_images": To(5000),
            "normalization": To("per-channel-mean"),
            "pixel_range": To("0-255"),
            "augmentation": To("none"),
            "padding": To("black"),
        },
    ),
    "PhotographsSpec": (
        ("imagenet", "dataset."),
        {
            "kind": ALONE,
            "name": Implied({"name": "own", "content": OWN}),
            "content": PART,
            "held_out_images": To(50_000),
            "normalization": To("per-channel-mean-std"),
            "statistics_images": To(None),
            "pixel_range": To("0-255"),
            "augmentation": To("none", {"dataset.shorter_side": None}),
            "crop_size": To(
                192, {"dataset.shorter_side": [256, 480], "dataset.test_shorter_side": 256}
            ),
            "shorter_side": To([256, 512]),
            "test_shorter_side": To(224),
            "lighting": To(False),
        },
    ),
    "ContentSpec": (
        ("photographs", "dataset.content."),
        {
            "classes": To(11),
            "train_images": To(1000),
            "test_images": To(100),
            "sha256": To(OTHER_SHA),
        },
    ),
    "BoxesSpec": (
        ("detector", "dataset."),
        {
            "kind": ALONE,
            "name": To("coco2017"),
            "content": PART,
            "pasted": PART,
            "shorter_side": To(800),
            "longest_side": To(1333),
            "padding": To("by-orientation"),
            "normalization": To("caffe"),
            "flip": To(False),
            "max_boxes": To(200),
            "train_without_objects": To(True),
        },
    ),
    "BoxContentSpec": (
        ("boxes", "dataset.content."),
        {
            "classes": To(11),
            "train_images": To(1000),
            "test_images": To(100),
            "sha256": To(OTHER_SHA),
        },
    ),
    "PastedSpec": (
        ("pasted", "dataset.pasted."),
        {
            "train_canvases": To(500),
            "test_canvases": To(100),
            "only_classes": To([1, 2]),
            "side": To(192, {"dataset.shorter_side": 256, "dataset.longest_side": 256}),
            "max_objects": To(2),
            "min_scale": To(1.0),
            "max_scale": To(2.0),
            "background": To("plain"),
            "seed": To(1),
        },
    ),
    "ResNetSpec": (("cifar", "model."), {"family": ALONE, **RESIDUAL}),
    "PreactivationSpec": (
        ("preactivation", "model."),
        {
            **RESIDUAL,
            "family": ALONE,
            "stem": Implied(
                {"model": IMAGENET18 | PREACTIVATED_FAMILY, "dataset.name": "imagenet2012"}
            ),
            "block": To("bottleneck", {"model": BY_BLOCKS | PREACTIVATED_FAMILY}),
            "order": To("bn-after-addition"),
            "on_shortcut": PART,
        },
    ),
    "ScaledShortcut": (
        ("scaled", "model.on_shortcut."),
        {"kind": ALONE, "shortcut": To(0.0), "residual": To(1.0)},
    ),
    "GatedShortcut": (
        ("gated", "model.on_shortcut."),
        {"kind": ALONE, "exclusive": To(False), "initial_bias": To(0.0)},
    ),
    "DroppedShortcut": (
        ("dropped", "model.on_shortcut."),
        {"kind": ALONE, "rate": To(0.25)},
    ),
    "BatchNormSpec": (
        ("cifar", "model.batch_norm."),
        {
            "momentum": To(0.99),
            "epsilon": To(1e-3),
            "zero_gamma": To(True),
            "statistics": To("recomputed"),
            "statistics_batches": To(50, {"model.batch_norm.statistics": "recomputed"}),
        },
    ),
    "VggSpec": (("vgg", "model."), {"family": ALONE, "depth": ALONE}),
    "DetectorSpec": (
        ("detector", "detector."),
        {
            "training": ALONE,
            "batch_norm": To("trained"),
            "frozen_stages": To(2),
            "crowd_overlap": To(0.7),
            "anchors": PART,
            "rpn": PART,
            "proposals": PART,
            "regions": PART,
            "inference": PART,
        },
    ),
    "AnchorSpec": (
        ("detector", "detector.anchors."),
        {"scales": To([128, 256]), "ratios": To([1])},
    ),
    "RpnSpec": (
        ("detector", "detector.rpn."),
        {
            "channels": To(256),
            "positive_iou": To(0.6),
            "negative_iou": To(0.2),
            "batch": To(128),
            "positive_share": To(0.25),
            "inside_only": To(False),
            "box_weight": To(1.0),
        },
    ),
    "ProposalSpec": (
        ("detector", "detector.proposals."),
        {
            "train_before_nms": To(6000),
            "train_count": To(1000),
            "test_before_nms": To(3000),
            "test_count": To(100),
            "nms_iou": To(0.6),
            "min_side": To(16.0),
        },
    ),
    "RegionSpec": (
        ("detector", "detector.regions."),
        {
            "batch": To(64),
            "positive_share": To(0.5),
            "positive_iou": To(0.6),
            "negative_iou": To(0.1),
            "pooling": To("max"),
            "size": To(7),
            "samples": To(1),
            "global_context": To(True),
            "box_stddevs": To([0.1, 0.1, 0.1, 0.1]),
        },
    ),
    "InferenceSpec": (
        ("detector", "detector.inference."),
        {
            "score_threshold": To(0.01),
            "nms_iou": To(0.5),
            "max_detections": To(50),
            "box_refinement": To(True),
            "voting_iou": To(0.6),
            "scales": To([400, 600]),
        },
    ),
    "SgdSpec": (
        ("cifar", "optimizer."),
        {
            "kind": ALONE,
            "batch_size": To(256),
            "momentum": To(0.8),
            "nesterov": To(True),
            "momentum_form": To("torch"),
            "weight_decay": To(5e-4),
            "weight_decay_form": To("decoupled"),
            "weight_decay_scope": To("kernels"),
        },
    ),
    "PiecewiseSchedule": (
        ("cifar", "schedule."),
        {
            "kind": ALONE,
            "iterations": To(50_000, {"schedule.drops": [32_000, 48_000]}),
            "learning_rate": To(0.05),
            "warmup": PART,
            "factor": To(0.2),
            "drops": To([32_000]),
        },
    ),
    "PlateauSchedule": (
        ("plateau", "schedule."),
        {
            "kind": ALONE,
            "iterations": To(50_000),
            "learning_rate": To(0.05),
            "warmup": PART,
            "factor": To(0.2),
            "of": To("test"),
            "patience": To(6),
            "threshold_percent": To(0.2),
            "max_drops": To(2),
        },
    ),
    "CosineSchedule": (
        ("cosine", "schedule."),
        {"kind": ALONE, "iterations": To(50_000), "learning_rate": To(0.05), "warmup": PART},
    ),
    "WarmupSpec": (
        ("cifar", "schedule.warmup."),
        {
            "kind": ALONE,
            "learning_rate": To(0.02, {"schedule.warmup": {}}),
            "until_train_error_percent": To(70.0, {"schedule.warmup": {}}),
            "window_iterations": To(391, {"schedule.warmup": {}}),
        },
    ),
    "EvaluationSpec": (("cifar", "evaluation."), {"every_epochs": OUT, "batch_size": OUT}),
    "NumericsSpec": (
        ("cifar", "numerics."),
        {
            "precision": To("tensorfloat32"),
            "loss_scale": To(1024.0, {"numerics.precision": "mixed_float16"}),
            "threads": To(2),
            "deterministic": To(False),
            "xla": To(True),
            "replicas": To(2),
        },
    ),
    "DiagnosticsSpec": (("cifar", "diagnostics."), {"iterations": OUT}),
    "PretrainedRun": (
        ("from run", "pretrained."),
        {
            "source": ALONE,
            "name": To("1" * 16),
            "mode": To("new-head"),
            "head_classes": To(
                11, {"pretrained.mode": "dense-after-head", **{"pretrained.head_classes": 10}}
            ),
            "backbone_rate": To(0.1),
            "other_preprocessing": Implied({"other_preprocessing": True}),
        },
    ),
    "PretrainedApplication": (
        ("from keras", "pretrained."),
        {
            "source": ALONE,
            "name": Implied({"name": "ResNet101", "model": RESNET101}),
            "mode": To("new-head"),
            "head_classes": Implied({"mode": "dense-after-head"}),
            "backbone_rate": To(0.1),
            "other_preprocessing": Implied({"other_preprocessing": True}),
            "sha256": To(SHA),
        },
    ),
    "PretrainedFile": (
        ("from file", "pretrained."),
        {
            "source": ALONE,
            "name": To("b.npz"),
            "mode": To("new-head"),
            "head_classes": To(
                11, {"pretrained.mode": "dense-after-head", "pretrained.head_classes": 10}
            ),
            "backbone_rate": To(0.1),
            "other_preprocessing": Implied({"other_preprocessing": True}),
            "preprocessing": To("caffe"),
            "sha256": To(OTHER_SHA),
        },
    ),
}
"""Class -> a base and the place in it, and each field: whether, and how, it is in the id."""


def changed(base, changes):
    """A copy of plain data with dotted fields changed."""
    data = json.loads(json.dumps(base))
    for dotted, value in changes.items():
        *parents, leaf = dotted.split(".")
        here = data
        for parent in parents:
            here = here.setdefault(parent, {})
        here[leaf] = value
    return data


def at(place, name):
    """``name`` within ``place``; dotted names begin at the run, as ``model`` does."""
    return name if "." in name or name == "model" else place + name


def value_of(spec, dotted):
    for name in dotted.split("."):
        spec = getattr(spec, name)
    return spec


def differing(first, second, place=""):
    """The fields that differ, as they are after filling in."""
    for name in sorted(first.keys() | second.keys()):
        one, two = first.get(name), second.get(name)
        if isinstance(one, dict) and isinstance(two, dict):
            yield from differing(one, two, f"{place}{name}.")
        elif one != two:
            yield place + name


ROWS = {
    (kind, name): (BASES[base], place, row)
    for kind, ((base, place), rows) in FIELDS.items()
    for name, row in rows.items()
}


def rows_of(kind):
    """Keys of the rows that are ``kind``, or of that class."""
    of_class = isinstance(kind, type)
    return [
        key
        for key, (_, _, row) in ROWS.items()
        if (isinstance(row, kind) if of_class else row == kind)
    ]


def test_each_field_of_each_class_has_its_row():
    fields = {
        kind: [*spec.model_fields] for kind, spec in spec_classes().items() if spec.model_fields
    }
    rows = {kind: [*rows] for kind, (_, rows) in FIELDS.items()}
    assert fields.keys() == rows.keys(), "add the class to FIELDS, or take it out"
    for kind, names in fields.items():
        assert sorted(names) == sorted(rows[kind]), f"add to FIELDS['{kind}'], or take out"


@pytest.mark.parametrize(("kind", "name"), rows_of(To))
def test_another_value_is_another_id(kind, name):
    base, place, (value, both) = ROWS[kind, name]
    first = RunSpec.model_validate(changed(base, both))
    second = RunSpec.model_validate(changed(base, both | {place + name: value}))
    found = list(differing(first.model_dump(mode="json"), second.model_dump(mode="json")))
    implied = IMPLY.get((kind, name), set())
    assert {place + name} <= {*found} <= {place + name} | implied
    assert first.digest() != second.digest()


IMPLY = {
    ("PhotographsSpec", "augmentation"): {"dataset.shorter_side"},
    ("ResNetSpec", "block"): {"model.depth", "model.bottleneck_stride"},
    ("ResNetSpec", "shortcut"): {"model.zero_pad", "model.subsampling"},
    ("PreactivationSpec", "block"): {"model.depth", "model.bottleneck_stride"},
    ("PreactivationSpec", "shortcut"): {"model.zero_pad", "model.subsampling"},
    ("BatchNormSpec", "statistics"): {"model.batch_norm.statistics_batches"},
}
"""Fields that cannot be changed without others, by what they are."""


@pytest.mark.parametrize(("kind", "name"), rows_of(Implied))
def test_what_goes_with_other_fields_is_in_the_id(kind, name):
    """Where no two valid specs differ in the field alone, its value in the text does."""
    base, place, (changes,) = ROWS[kind, name]
    first = RunSpec.model_validate(base)
    second = RunSpec.model_validate(
        changed(base, {at(place, field): value for field, value in changes.items()})
    )
    assert value_of(first, place + name) != value_of(second, place + name)
    assert first.digest() != second.digest()
    part = value_of(first, place[:-1])
    other = part.model_copy(update={name: value_of(second, place + name)})
    assert part.digest() != other.digest()


@pytest.mark.parametrize(("kind", "name"), rows_of(ALONE))
def test_names_with_one_value_are_told_where_members_differ(kind, name):
    base, place, _ = ROWS[kind, name]
    field = spec_classes()[kind].model_fields[name]
    part = value_of(RunSpec.model_validate(changed(base, WITH.get(kind, {}))), place[:-1])
    assert type(part).__name__ == kind
    told = name in part.stated()
    if name in ("kind", "family", "source"):
        assert told
    else:
        assert not told and getattr(part, name) == field.get_default()


WITH = {"WarmupSpec": {"schedule.warmup": {}}}


@pytest.mark.parametrize(("kind", "name"), rows_of(PART))
def test_a_part_that_is_there_or_not_is_in_the_id(kind, name):
    """A part's fields have rows; where it may be left out, that is another id."""
    field = spec_classes()[kind].model_fields[name]
    assert [*specs_in(field.annotation)] and MEASURED not in field.metadata
    assert not any(part.__name__ not in FIELDS for part in specs_in(field.annotation))
    if (kind, name) in PRESENT:
        base, absent, present = PRESENT[kind, name]
        specs = [RunSpec.model_validate(changed(BASES[base], c)) for c in (absent, present)]
        assert specs[0].digest() != specs[1].digest()


PRESENT = {
    ("PiecewiseSchedule", "warmup"): ("cifar", {}, {"schedule.warmup": {}}),
    ("PlateauSchedule", "warmup"): ("plateau", {}, {"schedule.warmup": {}}),
    ("CosineSchedule", "warmup"): ("cosine", {}, {"schedule.warmup": {}}),
    ("ResNetSpec", "batch_norm"): ("cifar", {}, {"model.batch_norm": None}),
    ("PreactivationSpec", "batch_norm"): ("preactivation", {}, {"model.batch_norm": None}),
    ("PreactivationSpec", "on_shortcut"): (
        "preactivation",
        {},
        {"model.on_shortcut": {"kind": "gating"}},
    ),
    ("RunSpec", "pretrained"): ("from run", {"pretrained": None}, {}),
    ("RunSpec", "schedule"): ("cifar", {}, {"schedule.kind": "cosine"}),
}
"""Parts that may be left out, or be of another kind: a base without and with them."""


def test_what_is_out_is_marked_so():
    """Only these; a field that is marked later needs a proof below."""
    marked = {
        (kind, name)
        for kind, spec in spec_classes().items()
        for name, field in spec.model_fields.items()
        if MEASURED in field.metadata
    }
    assert marked == {("RunSpec", "evaluation"), ("RunSpec", "diagnostics")}


MEASURED_ALONE = [
    ("evaluation.every_epochs", 2),
    ("evaluation.batch_size", 77),
    ("diagnostics.iterations", [3, 14, 25]),
]


def test_each_field_that_is_out_has_its_proof():
    out = {
        ROWS[key][1] + key[1] for key in rows_of(OUT) if key[1] not in ("evaluation", "diagnostics")
    }
    assert out == {field for field, _ in MEASURED_ALONE}


@pytest.fixture(autouse=True)
def float32_policy():
    yield
    keras.config.set_dtype_policy("float32")


def epochs_of(spec, images):
    """The rows of its epochs, of the last training of each spec."""
    key = spec.model_dump_json()
    if key not in ALREADY:
        _, events = trained(spec, images)
        rows = [event for event in events if event["event"] == "epoch"]
        assert events[-1]["final_weights_sha256"] == rows[-1]["weights_sha256"]
        ALREADY[key] = rows
    return ALREADY[key]


ALREADY: dict[str, list[dict[str, Any]]] = {}

EPOCHS = {
    "dataset": {"name": "cifar10-subset", "train_per_class": 100, "held_out_images": 200},
    "optimizer": {"batch_size": 80},
    "schedule": {"iterations": 30, "drops": [15]},
}
LISTENS = {
    "schedule": {
        "kind": "plateau",
        "iterations": 30,
        "of": "validation",
        "patience": 1,
        "threshold_percent": 100.0,
    }
}
"""Nothing is ever better by so much, so that the rate drops after each epoch but the first."""


@pytest.mark.parametrize(
    ("field", "value", "schedule"),
    [
        *((*row, {}) for row in MEASURED_ALONE),
        *((*row, LISTENS) for row in MEASURED_ALONE if row[0] != "evaluation.batch_size"),
    ],
)
def test_what_is_out_trains_the_same_bits(embedded, field, value, schedule):
    """Dropout draws random numbers, and a rate that listens to the validation's error depends on
    its being scored at the end of each epoch."""
    data = tiny_spec(**EPOCHS, model={"dropout_rate": 0.3}).model_dump(mode="json") | schedule
    base, other = (RunSpec.model_validate(changed(data, c)) for c in ({}, {field: value}))
    assert base != other and base.digest() == other.digest()
    rows = [epochs_of(spec, embedded) for spec in (base, other)]
    names = [
        "iteration",
        "weights_sha256",
        "learning_rate",
        "train_loss",
        "train_error_percent",
        "gradient_norm",
        "gradient_norms",
    ]
    for one, two in zip(*rows, strict=True):
        assert {name: one[name] for name in names} == {name: two[name] for name in names}
    if field != "evaluation.batch_size":  # Whose scores are of the same bits here.
        assert rows[0] != rows[1]
    assert len({row["weights_sha256"] for row in rows[0]}) == 3
    rates = [row["learning_rate"] for row in rows[0]]
    assert rates == pytest.approx([0.1, 0.1, 0.01] if schedule else [0.1, 0.01, 0.01])


def test_a_scored_loss_that_is_not_finite_ends_no_training(embedded, monkeypatch):
    """Else the weights would depend on how often is scored."""
    from benchmark.training import classification

    spec, calls = tiny_spec(**EPOCHS), []
    monkeypatch.setattr(
        classification.Classification,
        "score",
        lambda self, split: calls.append(split) or {"loss": float("inf"), "error_percent": 90.0},
    )
    result, events = trained(spec, embedded)
    assert len(calls) == 6 and result.status == "diverged"
    assert events[-1]["iteration"] == 30


@pytest.mark.parametrize(("of", "held_out"), [("test", 0), ("validation", 500)])
def test_batches_of_scoring_are_in_the_id_where_the_rate_listens(of, held_out):
    base = changed(BASES["plateau"], {"schedule.of": of, "dataset.held_out_images": held_out})
    ids = {
        field: {RunSpec.model_validate(changed(base, {field: n})).digest() for n in (100, 500)}
        for field in ("evaluation.batch_size", "evaluation.every_epochs")
    }
    assert len(ids["evaluation.batch_size"]) == 2
    assert len(ids["evaluation.every_epochs"]) == 1
    deaf = changed(base, {"schedule.of": "train"})
    assert (
        len(
            {
                RunSpec.model_validate(changed(deaf, {"evaluation.batch_size": n})).digest()
                for n in (100, 500)
            }
        )
        == 1
    )


def test_specs_within_specs_state_what_they_differ_in_alone():
    class Inner(Spec):
        rate: float = 1.0
        on: bool = False

    class Outer(Spec):
        inner: Inner = Inner()
        other: Inner | None = None
        rates: tuple[float, ...] = (1.0, 2.0)

    assert Outer().stated() == {}
    assert Outer(inner=Inner(), rates=(1, 2)).stated() == {}
    assert Outer(inner=Inner(on=True)).stated() == {"inner": {"on": True}}
    assert Outer(other=Inner()).stated() == {"other": {}}
    assert Outer(rates=(1, 2.5)).canonical_json() == '{"rates":[1.0,2.5]}'


PINNED: dict[str, tuple[str, dict[str, Any]]] = {
    "the paper's ResNet-20": (
        "b33e6a16b3f00db2",
        {
            "model": {"stem": "cifar", "depth": 20, "shortcut": "A"},
            "seed": 0,
            "dataset": {"name": "cifar10"},
        },
    ),
    "ResNet-110 with its warm-up": (
        "a8f133b5fdcea6da",
        {
            "dataset": {"name": "cifar10"},
            "model": {"stem": "cifar", "depth": 110, "shortcut": "A"},
            "schedule": {"warmup": {}},
            "seed": 4,
        },
    ),
    "ResNet-50 on ImageNet": (
        "aee1884a3a907273",
        {
            "dataset": {"name": "imagenet2012"},
            "model": {"stem": "imagenet", "depth": 50, "shortcut": "B"},
            "optimizer": {"batch_size": 256, "weight_decay_scope": "kernels"},
            "schedule": {"kind": "plateau", "iterations": 600000},
            "numerics": {"precision": "mixed_bfloat16", "replicas": 8},
            "seed": 0,
        },
    ),
    "a detector from a run": (
        "e7d6ec2da547e301",
        {
            "dataset": {"name": "coco2014"},
            "model": {"stem": "imagenet", "depth": 101, "shortcut": "B"},
            "detector": {},
            "pretrained": {"source": "run", "name": "0123456789abcdef", "mode": "backbone"},
            "schedule": {"iterations": 240000},
            "seed": 0,
        },
    ),
    "transfer from keras.applications": (
        "ef9d73cb82d9fefd",
        {
            "dataset": {
                "name": "own",
                "content": {
                    "classes": 10,
                    "train_images": 999,
                    "test_images": 99,
                    "sha256": "0000000000000000000000000000000000000000000000000000000000000000",
                },
            },
            "model": {
                "stem": "imagenet",
                "depth": 50,
                "shortcut": "B",
                "conv_bias": True,
                "batch_norm": {"epsilon": 1.001e-05},
            },
            "pretrained": {"source": "keras-applications", "name": "ResNet50", "mode": "new-head"},
            "schedule": {"kind": "cosine", "iterations": 1000},
            "seed": 1,
        },
    ),
    "what the authors did": (
        "65706d9533ee5684",
        {
            "dataset": {"name": "cifar10", "held_out_images": 5000, "padding": "black"},
            "model": {
                "stem": "cifar",
                "depth": 56,
                "shortcut": "A",
                "subsampling": "mean",
                "classifier_initializer": "gaussian",
                "batch_norm": {"statistics": "recomputed"},
            },
            "numerics": {"xla": True, "threads": 2},
            "seed": 0,
        },
    ),
}
"""What a run is -> its id, and all that it states. These ids never change: evidence is of them."""


@pytest.mark.parametrize("name", PINNED)
def test_ids_that_never_change(name):
    pinned, data = PINNED[name]
    assert RunSpec.model_validate(data).digest() == pinned
