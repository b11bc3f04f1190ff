import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmark.spec import (
    CosineSchedule,
    NumericsSpec,
    PiecewiseSchedule,
    ResNetSpec,
    RunSpec,
    SgdSpec,
)
from benchmark.suite.problems import rule_of

RESNET20 = {
    "dataset": {"name": "cifar10"},
    "model": {"stem": "cifar", "depth": 20, "shortcut": "A"},
    "seed": 0,
}


def with_field(dotted, value, base=RESNET20):
    data = json.loads(json.dumps(base))
    *parents, leaf = dotted.split(".")
    here = data
    for parent in parents:
        here = here.setdefault(parent, {})
    here[leaf] = value
    return data


def shuffled(data, rng):
    if not isinstance(data, dict):
        return data
    keys = list(data)
    rng.shuffle(keys)
    return {key: shuffled(data[key], rng) for key in keys}


def test_a_new_field_with_its_default_leaves_ids_as_they_are():
    class Extended(SgdSpec):
        clipping: float | None = None

    assert Extended().canonical_json() == SgdSpec().canonical_json()
    assert Extended(clipping=1.0).canonical_json() == '{"clipping":1.0,"kind":"sgd"}'


def test_the_id_is_the_sha256_of_canonical_json():
    import hashlib

    spec = RunSpec.model_validate(RESNET20)
    data = json.loads(spec.canonical_json())
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert spec.digest() == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert list(data) == sorted(data)


@given(seed=st.integers(0, 2**32 - 1), order=st.integers(0, 1000))
def test_the_id_ignores_key_order_and_stated_defaults(seed, order):
    spec = RunSpec.model_validate({**RESNET20, "seed": seed})
    stated = shuffled(spec.model_dump(mode="json"), random.Random(order))
    assert RunSpec.model_validate(stated).digest() == spec.digest()


@settings(max_examples=200)
@given(
    stem=st.sampled_from(["cifar", "imagenet"]),
    block=st.sampled_from(["basic", "bottleneck"]),
    stages=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 64)), min_size=1, max_size=4),
    shortcut=st.sampled_from(["none", "A", "B", "C"]),
    dropout=st.floats(0, 0.9),
)
def test_specs_survive_json(stem, block, stages, shortcut, dropout):
    stages = sorted(stages, key=lambda stage: stage[1])
    spec = ResNetSpec.model_validate(
        {
            "stem": stem,
            "block": block,
            "stage_blocks": [blocks for blocks, _ in stages],
            "stage_widths": [width for _, width in stages],
            "shortcut": shortcut,
            "dropout_rate": dropout,
        }
    )
    assert ResNetSpec.model_validate_json(spec.canonical_json()) == spec
    layers = {"basic": 2, "bottleneck": 3}[block]
    assert spec.depth == 2 + layers * sum(blocks for blocks, _ in stages)


def test_two_ways_to_state_a_net_are_one_spec():
    by_depth = ResNetSpec.model_validate({"stem": "imagenet", "depth": 50, "shortcut": "B"})
    by_stages = ResNetSpec.model_validate(
        {
            "stem": "imagenet",
            "block": "bottleneck",
            "stage_blocks": [3, 4, 6, 3],
            "stage_widths": [64, 128, 256, 512],
            "shortcut": "B",
        }
    )
    assert by_depth == by_stages
    assert by_depth.bottleneck_stride == "1x1"


def test_the_papers_schedule_is_the_default():
    schedule = PiecewiseSchedule()
    assert (schedule.iterations, schedule.drops, schedule.factor) == (64_000, (32_000, 48_000), 0.1)


@pytest.mark.parametrize(
    ("field", "value", "place", "rule"),
    [
        ("model.depth", 21, "model.depth", "6n+2"),
        ("model.depth", 2, "model.depth", "6n+2"),
        ("model.depth", "20", "model.depth", "integer"),
        ("model.depth", True, "model.depth", "6n+2"),
        ("model.stem", "imagenet", "model.depth", "must be one of"),
        (
            "model",
            {"stem": "cifar", "depth": 32, "block": "bottleneck", "shortcut": "B"},
            "model.depth",
            "9n+2",
        ),
        ("model.shortcut", "D", "model.shortcut", "'A', 'B' or 'C'"),
        ("model.stage_blocks", [3, 3, 4], "model.block", "required"),
        ("model.stage_widths", [64, 32, 16], "model.shortcut", "cannot shrink"),
        ("model.stage_widths", [16, 32], "model.stage_widths", "as many stages"),
        ("model.zero_pad", "middle", "model.zero_pad", "'end' or 'both'"),
        ("model.bottleneck_stride", "3x3", "model.bottleneck_stride", "only to bottleneck blocks"),
        ("model.initializer", "gaussian", "model.initializer_stddev", "is stated with"),
        ("model.initializer_stddev", 0.1, "model.initializer_stddev", "is stated with"),
        ("model.batch_norm.epsilon", 0.0, "model.batch_norm.epsilon", "greater than 0"),
        ("model.dropout_rate", 1.0, "model.dropout_rate", "less than 1"),
        ("model.typo", 1, "model.typo", "not a field"),
        ("dataset.name", "cifar100", "dataset.name", "must be cifar10, "),
        ("dataset.held_out_images", 50_000, "dataset.held_out_images", "less than"),
        ("evaluation.split", "test", "evaluation.split", "not a field"),
        ("optimizer.weight_decay", "1e-4", "optimizer.weight_decay", "1.0e-4"),
        ("optimizer.weight_decay", float("nan"), "optimizer.weight_decay", "finite"),
        ("optimizer.batch_size", 50_001, "optimizer.batch_size", "at most the 50000"),
        ("optimizer.nesterov", 1, "optimizer.nesterov", "boolean"),
        ("schedule.drops", [200, 100], "schedule.drops", "rise strictly"),
        ("schedule.drops", [64_000], "schedule.drops", "rise strictly"),
        ("schedule.iterations", 0, "schedule.iterations", "must be 0 with pretrained.mode"),
        ("schedule.iterations", -1, "schedule.iterations", "greater than"),
        ("schedule.iterations", 10**22, "schedule.iterations", "less than or equal"),
        ("model.depth", 6 * 10**9 + 2, "model.depth", "less than or equal to 10000"),
        ("model.stage_widths", [16, 32, 10**20], "model.stage_widths", "1 to 65536"),
        ("model.stem", ["cifar"], "model.stem", "'cifar' or 'imagenet'"),
        ("model.stem", {"a": 1}, "model.stem", "'cifar' or 'imagenet'"),
        ("model.block", [], "model.block", "'basic' or 'bottleneck'"),
        ("optimizer.batch_size", 10**20, "optimizer.batch_size", "less than or equal"),
        ("evaluation.batch_size", 10**20, "evaluation.batch_size", "less than or equal"),
        ("evaluation.every_epochs", 10**20, "evaluation.every_epochs", "less than or equal"),
        ("numerics.threads", 0, "numerics.threads", "greater than"),
        ("seed", -1, "seed", "greater than"),
        # Each union: an unknown name, one of another type, another member's field, no mapping.
        ("dataset.kind", "video", "dataset.kind", "cifar, photographs, boxes"),
        ("dataset.kind", None, "dataset.kind", "cifar, photographs, boxes"),
        ("dataset.kind", ["cifar"], "dataset.kind", "cifar, photographs, boxes"),
        ("dataset.kind", "boxes", "dataset.name", "coco2014"),
        ("dataset.kind", "photographs", "dataset.name", "imagenet2012"),
        ("dataset.name", ["cifar10"], "dataset.name", "string"),
        ("dataset.lighting", True, "dataset.lighting", "not a field"),
        ("dataset", "cifar10", "dataset", "dictionary"),
        ("dataset", None, "dataset", "dictionary"),
        ("model.family", "inception", "model.family", "resnet, vgg"),
        ("model.family", "vgg", "model.stem", "not a field"),
        ("model", "resnet20", "model", "dictionary"),
        ("optimizer.kind", "adam", "optimizer.kind", "must be sgd"),
        ("optimizer.beta", 0.9, "optimizer.beta", "not a field"),
        ("optimizer", "sgd", "optimizer", "dictionary"),
        ("schedule.kind", "step", "schedule.kind", "piecewise, plateau, cosine"),
        ("schedule.patience", 3, "schedule.patience", "not a field"),
        ("schedule", {"kind": "plateau", "drops": [9]}, "schedule.drops", "not a field"),
        ("schedule", {"kind": "cosine", "factor": 0.1}, "schedule.factor", "not a field"),
        ("schedule", ["cosine"], "schedule", "dictionary"),
        ("schedule.warmup.kind", "linear", "schedule.warmup.kind", "until-train-error"),
        ("schedule", {"kind": "plateau", "of": "validation"}, "schedule.of", "held_out_images"),
        ("pretrained.mode", "train-all", "pretrained.source", "run, keras-applications, file"),
        ("pretrained.source", "hub", "pretrained.source", "run, keras-applications, file"),
        ("pretrained", "run", "pretrained", "dictionary"),
        ("pretrained.source", "run", "pretrained.name", "required"),
        ("detector", True, "detector", "dictionary"),
        ("detector.typo", 1, "detector.typo", "not a field"),
        ("dataset.padding", "mean", "dataset.padding", "'zero' or 'black'"),
        (
            "dataset",
            {"name": "cifar10", "augmentation": "none", "padding": "black"},
            "dataset.padding",
            "only to pad-crop-flip",
        ),
        ("model.batch_norm.statistics_batches", 9, "model.batch_norm.statistics_batches", "only"),
        ("model.classifier_initializer", "he", "model.classifier_initializer", "'same'"),
        ("numerics.precision", "float64", "numerics.precision", "'tensorfloat32'"),
        ("optimizer.weight_decay_scope", "none", "optimizer.weight_decay_scope", "'kernels'"),
        ("schedule.drops", [True], "schedule.drops.0", "integer"),
        ("optimizer.momentum", False, "optimizer.momentum", "number"),
    ],
)
def test_what_cannot_be_is_refused_with_field_rule_and_value(field, value, place, rule):
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(with_field(field, value))
    found = [rule_of(error) for error in caught.value.errors()]
    assert any(".".join(map(str, at)) == place and rule in text for at, text, _ in found), found


@pytest.mark.parametrize(
    ("model", "place"),
    [
        ({"shortcut": "none", "batch_norm": {"zero_gamma": True}}, "batch_norm.zero_gamma"),
        ({"shortcut": "B", "zero_pad": "end"}, "zero_pad"),
        ({"shortcut": "A", "stage_blocks": [3, 3, 3], "block": "basic", "depth": 26}, "depth"),
        ({"shortcut": "A", "stage_blocks": [3, 0, 3], "block": "basic"}, "stage_blocks"),
        ({"shortcut": "A", "stage_blocks": [10**9, 1, 1], "block": "basic"}, "stage_blocks"),
        ({"shortcut": "A", "stage_blocks": [1] * 17, "block": "basic"}, "stage_blocks"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_refused(model, place):
    fields = {"stem": "cifar", **model}
    if "stage_blocks" not in model:
        fields["depth"] = 20
    with pytest.raises(ValidationError) as caught:
        ResNetSpec.model_validate(fields)
    at, _, _ = rule_of(caught.value.errors()[0])
    assert ".".join(map(str, at)) == place


def test_the_deepest_net_of_the_paper_is_well_within_the_bounds():
    fields = {"stem": "cifar", "depth": 1202, "shortcut": "A"}
    assert ResNetSpec.model_validate(fields).stage_blocks == (200, 200, 200)


@pytest.mark.parametrize("value", [0, 0.0, -1.0, 0.5])
def test_a_stated_loss_scale_is_never_replaced(value):
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        NumericsSpec.model_validate({"precision": "mixed_float16", "loss_scale": value})


@pytest.mark.parametrize("stated", [{}, {"loss_scale": None}])
def test_a_loss_scale_left_out_is_filled_in(stated):
    spec = NumericsSpec.model_validate({"precision": "mixed_float16", **stated})
    assert spec.loss_scale == 32768.0


def number_fields(data, at=()):
    for name, value in data.items():
        if isinstance(value, dict):
            yield from number_fields(value, (*at, name))
        elif isinstance(value, float):
            yield ".".join((*at, name))


@pytest.mark.parametrize(
    "field", list(number_fields(RunSpec.model_validate(RESNET20).model_dump(mode="json")))
)
def test_minus_zero_is_zero(field):
    try:
        minus = RunSpec.model_validate(with_field(field, -0.0))
    except ValidationError:
        return  # 0 is out of range here.
    zero = RunSpec.model_validate(with_field(field, 0.0))
    assert minus == zero
    assert minus.digest() == zero.digest()


def test_cosine_has_no_drops():
    assert "drops" not in CosineSchedule().model_dump()
    with pytest.raises(ValidationError, match="extra_forbidden"):
        CosineSchedule(drops=(10,))


def test_specs_are_frozen():
    spec = RunSpec.model_validate(RESNET20)
    with pytest.raises(ValidationError, match="frozen"):
        spec.seed = 1


@pytest.mark.parametrize(
    "data",
    [
        RESNET20,
        with_field("schedule", {"kind": "plateau", "of": "test"}),
        with_field("schedule", {"kind": "cosine", "warmup": {}}),
        with_field("model.batch_norm", {"statistics": "recomputed"}),
        with_field("model.shortcut", "B"),
        with_field("numerics.precision", "mixed_float16"),
        with_field("numerics.precision", "tensorfloat32"),
        with_field("pretrained", {"source": "run", "name": "0" * 16, "mode": "as-published"}),
        with_field(
            "pretrained",
            {"source": "run", "name": "0" * 16, "mode": "new-head", "other_preprocessing": True},
        ),
        with_field("dataset", {"name": "imagenet2012", "crop_size": 64}),
        with_field("detector", {}) | {"dataset": {"name": "pasted-cifar"}},
        with_field("detector", {"anchors": {"scales": [64, 128]}})
        | {"dataset": {"name": "coco2014"}},
    ],
)
def test_runs_survive_json(data):
    """What is filled in is filled in the same way again; stated, it is the same run."""
    spec = RunSpec.model_validate(data)
    again = RunSpec.model_validate_json(spec.model_dump_json())
    assert again == spec == RunSpec.model_validate(json.loads(spec.model_dump_json()))
    assert again.digest() == spec.digest()
    assert again.canonical_json() == spec.canonical_json()
    assert [type(getattr(again, part)) for part in RunSpec.model_fields] == [
        type(getattr(spec, part)) for part in RunSpec.model_fields
    ]


def test_a_whole_number_is_the_number():
    one, same = (RunSpec.model_validate(with_field("schedule.learning_rate", n)) for n in (1, 1.0))
    assert one == same and one.digest() == same.digest()
    assert one.stated()["schedule"]["learning_rate"] == 1.0
    assert '"learning_rate":1.0' in one.canonical_json()


def test_what_is_filled_in_for_option_a_belongs_to_it_alone():
    spec = ResNetSpec.model_validate(RESNET20["model"])
    assert (spec.zero_pad, spec.subsampling) == ("end", "stride")
    other = ResNetSpec.model_validate(RESNET20["model"] | {"shortcut": "B"})
    assert (other.zero_pad, other.subsampling) == (None, None)
    for field, value in (("zero_pad", "end"), ("subsampling", "mean")):
        with pytest.raises(ValidationError) as caught:
            ResNetSpec.model_validate(RESNET20["model"] | {"shortcut": "B", field: value})
        assert [rule_of(error)[0] for error in caught.value.errors()] == [(field,)]


def test_all_the_images_or_so_many_for_the_mean():
    field = "dataset.statistics_images"
    base = with_field("dataset", {"name": "imagenet2012", "crop_size": 64})
    every = RunSpec.model_validate(with_field(field, None, base))
    assert every.dataset.statistics_images is None
    assert every.stated()["dataset"]["statistics_images"] is None
    assert RunSpec.model_validate(base).dataset.statistics_images == 10_000
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(with_field(field, 0, base))
    assert [rule_of(e)[0] for e in caught.value.errors()] == [("dataset", "statistics_images")]
