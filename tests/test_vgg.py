"""VGG-16 of keras.applications: the same function, its cost, and where it may stand."""

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from benchmark.models.build import build_model
from benchmark.models.count import counted_cost
from benchmark.models.families import cost
from benchmark.models.folding import inference_model
from benchmark.models.vgg.net import application_weights
from benchmark.paper import departures
from benchmark.spec import RunSpec, VggSpec
from benchmark.suite.problems import rule_of

VGG16 = VggSpec(family="vgg")


def test_it_is_the_function_of_keras_and_averages_larger_images():
    theirs = keras.applications.VGG16(weights=None, classifier_activation=None)
    ours = build_model(VGG16, (224, 224, 3), 1000)
    arrays = application_weights(theirs)
    assert {weight.path for weight in ours.weights} == arrays.keys()
    for weight in ours.weights:
        weight.assign(arrays[weight.path])
    assert counted_cost(ours) == cost(VGG16, (224, 224, 3), 1000)
    assert counted_cost(ours).parameters == theirs.count_params() == 138_357_544
    assert counted_cost(ours).multiply_adds == pytest.approx(15.3e9, rel=0.02)  # Of figure 3.
    images = np.random.default_rng(0).normal(0, 50, (1, 256, 224, 3)).astype(np.float32)
    wanted = theirs(images[:, :224]).numpy()
    np.testing.assert_allclose(ours(images[:, :224]), wanted, rtol=1e-3, atol=1e-4)
    anywhere, take_over = inference_model(VGG16, ours, (None, None, 3), 1000)
    take_over()
    scores = keras.Model(anywhere.input, anywhere.get_layer("predictions").output)(images)
    assert scores.shape == (1, 2, 1, 1000) and np.ptp(scores, 1).max() > 1e-3
    np.testing.assert_allclose(anywhere(images), np.mean(scores, (1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(anywhere(images[:, :224]), wanted, rtol=1e-3, atol=1e-4)


def photographs_spec(**changes):
    content = {"classes": 1000, "train_images": 10_000, "test_images": 1000, "sha256": "0" * 64}
    data = {
        "dataset": {"name": "mine", "content": content},
        "model": {"family": "vgg"},
        "pretrained": {"source": "keras-applications", "name": "VGG16", "mode": "as-published"},
        "seed": 0,
    }
    return RunSpec.model_validate(data | changes)


def test_published_weights_are_not_trained_and_keep_their_preprocessing():
    spec = photographs_spec()
    assert (spec.schedule.iterations, spec.dataset.normalization) == (0, "pretrained")
    assert RunSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert not any(found.field.startswith("model.") for found in departures(spec.model_dump()))
    assert photographs_spec(schedule={"kind": "plateau"}).schedule.iterations == 0
    after = {"source": "keras-applications", "name": "VGG16", "mode": "dense-after-head"}
    with pytest.raises(ValidationError, match="cannot be dense-after-head for VGG"):
        photographs_spec(pretrained=after, schedule={"iterations": 5})


def test_xla_has_no_deterministic_gradient_of_its_max_pooling():
    new_head = {"source": "keras-applications", "name": "VGG16", "mode": "new-head"}
    for numerics, iterations in (({"deterministic": False}, 5), ({}, 0)):
        own = {} if not iterations else {"pretrained": new_head, "schedule": {"iterations": 5}}
        assert photographs_spec(numerics={"xla": True} | numerics, **own).numerics.xla
    with pytest.raises(ValidationError) as caught:
        photographs_spec(numerics={"xla": True}, pretrained=new_head, schedule={"iterations": 5})
    assert [rule_of(error)[0] for error in caught.value.errors()] == [("numerics", "xla")]


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"model": {"family": "vgg", "depth": 19}}, "model.depth", "should be 16"),
        ({"model": {"family": "vgg", "stem": "imagenet"}}, "model.stem", "not a field"),
        ({"schedule": {"iterations": 9}}, "schedule.iterations", "must be 0"),
        ({"pretrained": None}, "pretrained", "must be stated for VGG"),
        ({"model": {"family": "VGG"}}, "model.family", "must be one of resnet, "),
        ({"diagnostics": {"iterations": [0]}}, "diagnostics.iterations", "only for ResNets"),
        (
            {"model": {"stem": "imagenet", "depth": 50, "shortcut": "B"}},
            "model.family",
            "be vgg",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, field, rule):
    with pytest.raises(ValidationError) as caught:
        photographs_spec(**changes)
    found = [rule_of(error) for error in caught.value.errors()]
    assert any(".".join(map(str, at)) == field and rule in text for at, text, _ in found), found


def test_its_crop_is_224_and_its_images_are_photographs():
    dataset = photographs_spec().dataset.model_dump(mode="json")
    smaller = {key: dataset[key] for key in ("name", "content")} | {"crop_size": 128}
    with pytest.raises(ValidationError, match="must be 224 for VGG-16"):
        photographs_spec(dataset=smaller)
    with pytest.raises(ValidationError, match="must be resnet for cifar10"):
        photographs_spec(dataset={"name": "cifar10"})
