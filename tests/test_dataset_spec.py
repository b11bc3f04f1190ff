"""What a data set's spec says of photographs, and what it refuses."""

import pytest
from pydantic import TypeAdapter, ValidationError

from benchmark.spec import CifarSpec, PhotographsSpec, RunSpec
from benchmark.spec.dataset import DatasetField
from benchmark.suite.problems import rule_of

CONTENT = {"classes": 10, "train_images": 100, "test_images": 20, "sha256": "0" * 64}
OWN = {"name": "mine", "content": CONTENT}
IMAGENET = {"name": "imagenet2012"}
CIFAR = {"name": "cifar10"}

DATASETS = TypeAdapter(DatasetField)


def test_the_papers_preparation_of_imagenet_is_the_default():
    spec = DATASETS.validate_python(IMAGENET)
    assert spec.model_dump(exclude_none=True) == {
        "kind": "photographs",
        "name": "imagenet2012",
        "held_out_images": 0,
        "normalization": "per-pixel-mean",
        "statistics_images": 10_000,
        "pixel_range": "0-1",
        "augmentation": "scale-crop-flip",
        "crop_size": 224,
        "shorter_side": (256, 480),
        "test_shorter_side": 256,
        "lighting": True,
    }
    assert (spec.classes, spec.train_images, spec.test_images) == (1000, 1_281_167, 50_000)
    assert spec.image_shape == (224, 224, 3) and isinstance(spec, PhotographsSpec)


def test_photographs_of_your_own_are_what_their_content_says():
    spec = DATASETS.validate_python(OWN | {"held_out_images": 30, "crop_size": 64})
    assert (spec.classes, spec.train_images, spec.test_images) == (10, 70, 20)
    assert (spec.image_shape, spec.shorter_side, spec.test_shorter_side) == (
        (64, 64, 3),
        (73, 137),
        73,
    )
    other = DATASETS.validate_python(OWN | {"content": CONTENT | {"sha256": "1" * 64}})
    assert other.digest() != DATASETS.validate_python(OWN).digest()


@pytest.mark.parametrize(
    "fields",
    [IMAGENET, OWN, IMAGENET | {"augmentation": "area-crop-flip"}, OWN | {"lighting": False}],
)
def test_specs_survive_json_and_stated_defaults(fields):
    spec = DATASETS.validate_python(fields)
    assert DATASETS.validate_json(spec.canonical_json()) == spec
    assert DATASETS.validate_python(spec.model_dump(mode="json")).digest() == spec.digest()


def test_the_texts_of_specs_without_photographs():
    assert DATASETS.validate_python(CIFAR).canonical_json() == ('{"kind":"cifar","name":"cifar10"}')
    fields = {"name": "cifar10-subset", "augmentation": "none", "held_out_images": 9}
    text = '{"augmentation":"none","held_out_images":9,"kind":"cifar","name":"cifar10-subset"}'
    assert DATASETS.validate_python(fields).canonical_json() == text


@pytest.mark.parametrize(
    ("fields", "place", "rule"),
    [
        ({"name": "mine"}, "name", "imagenet2012, or the name of your own photographs"),
        ({"name": "../mine"}, "name", "pattern"),
        ({"name": 7}, "name", "string"),
        (CIFAR | {"content": CONTENT}, "content", "not a field"),
        ({"name": "voc2007"}, "name", "for runs that state a detector"),
        (IMAGENET | {"content": CONTENT}, "content", "only to photographs of your own"),
        (OWN | {"content": CONTENT | {"sha256": "0"}}, "content.sha256", "pattern"),
        (OWN | {"held_out_images": 100}, "held_out_images", "less than the 100 training images"),
        (CIFAR | {"crop_size": 32}, "crop_size", "not a field"),
        (CIFAR | {"shorter_side": [32, 64]}, "shorter_side", "not a field"),
        (CIFAR | {"test_shorter_side": 32}, "test_shorter_side", "not a field"),
        (CIFAR | {"lighting": False}, "lighting", "not a field"),
        (CIFAR | {"augmentation": "scale-crop-flip"}, "augmentation", "'pad-crop-flip' or 'none'"),
        (IMAGENET | {"only_classes": [1, 2]}, "only_classes", "not a field"),
        (IMAGENET | {"padding": "black"}, "padding", "not a field"),
        (IMAGENET | {"statistics_images": 0}, "statistics_images", "greater than"),
        (CIFAR | {"statistics_images": 5}, "statistics_images", "not a field"),
        (IMAGENET | {"augmentation": "pad-crop-flip"}, "augmentation", "'scale-crop-flip', 'area"),
        (IMAGENET | {"augmentation": "none", "shorter_side": [256, 480]}, "shorter_side", "only"),
        (IMAGENET | {"shorter_side": [200, 480]}, "shorter_side", "rise from crop_size (224)"),
        (IMAGENET | {"shorter_side": [480, 256]}, "shorter_side", "must rise"),
        (IMAGENET | {"shorter_side": [256]}, "shorter_side", "at least 2 items"),
        (IMAGENET | {"test_shorter_side": 223}, "test_shorter_side", "at least crop_size (224)"),
        (IMAGENET | {"crop_size": 8}, "crop_size", "greater than"),
        (IMAGENET | {"crop_size": "224"}, "crop_size", "integer"),
        (IMAGENET | {"lighting": 1}, "lighting", "boolean"),
    ],
)
def test_what_cannot_be_is_refused(fields, place, rule):
    with pytest.raises(ValidationError) as caught:
        DATASETS.validate_python(fields)
    found = [rule_of(error) for error in caught.value.errors()]
    assert any(".".join(map(str, at)) == place and rule in text for at, text, _ in found), found


@pytest.mark.parametrize(
    ("dataset", "stem", "allowed"),
    [
        (CIFAR, "cifar", True),
        (CIFAR, "imagenet", False),
        (IMAGENET, "imagenet", True),
        (IMAGENET, "cifar", False),
        (IMAGENET | {"crop_size": 64}, "cifar", True),
        (IMAGENET | {"crop_size": 64}, "imagenet", True),
        (IMAGENET | {"crop_size": 65}, "cifar", False),
    ],
)
def test_stems_go_with_sizes(dataset, stem, allowed):
    model = {"stem": stem, "depth": {"cifar": 20, "imagenet": 18}[stem], "shortcut": "A"}
    run = {"dataset": dataset, "model": model, "seed": 0}
    if allowed:
        RunSpec.model_validate(run)
        return
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(run)
    assert [rule_of(error)[0] for error in caught.value.errors()] == [("model", "stem")]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [(CIFAR, CifarSpec), ({"name": "cifar10-subset"}, CifarSpec), (IMAGENET, PhotographsSpec)],
)
def test_the_name_implies_the_kind(fields, kind):
    assert type(DATASETS.validate_python(fields)) is kind
    stated = fields | {"kind": {CifarSpec: "cifar", PhotographsSpec: "photographs"}[kind]}
    assert DATASETS.validate_python(stated) == DATASETS.validate_python(fields)
