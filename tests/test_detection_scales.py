"""A detector tested on all images of a split, at one scale and on a pyramid of them."""

import keras
import numpy as np
import pytest
from detection_files import add
from detection_files import spec_of as data_of

from benchmark.data import cache
from benchmark.data.detection.feed import DetectionFeed
from benchmark.data.normalization import Normalization
from benchmark.detection.backbone import backbone_of
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.detection.scoring import scorer
from benchmark.spec import ResNetSpec
from benchmark.spec.detector import DetectorSpec

NORMALIZATION = Normalization(np.full(3, 118, np.float32), np.full(3, 1 / 64, np.float32))
CLASSES = 10


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield add("mine", tmp_path_factory.mktemp("set"))


def feed(added, **fields):
    return DetectionFeed(data_of(added, **fields), added, workers=2)


def net_of(regions=None, **inference):
    """A net that tells regions apart, without training."""
    spec = DetectorSpec.model_validate(
        {
            "anchors": {"scales": [32.0], "ratios": [1.0]},
            "rpn": {"channels": 8},
            "proposals": {"test_before_nms": 100, "test_count": 6},
            "regions": {"size": 4, **(regions or {})},
            "inference": {"score_threshold": 0.0, "max_detections": 8, **inference},
        }
    )
    keras.utils.set_random_seed(0)
    model = ResNetSpec(
        stem="cifar", block="basic", stage_blocks=(1, 1), stage_widths=(8, 16), shortcut="A"
    )
    net = FasterRCNN(spec, backbone_of(model), CLASSES)
    for weight in (w for w in net.weights if w.path.startswith(("class_logits/k", "box_deltas/k"))):
        weight.assign(50 * weight)
    return net


@pytest.mark.parametrize("padding", ["square", "by-orientation"])
@pytest.mark.parametrize("batch_size", [2, 100])
def test_each_image_is_scored_once_in_the_splits_order(added, padding, batch_size):
    score = scorer(net_of(), NORMALIZATION, feed(added, padding=padding), "test", batch_size)
    found = score()
    assert [each.image_id for each in found] == added.truths["test"].ids.tolist()
    assert all(len(each.scores) == 8 for each in found)
    for one, other in zip(found, score(), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_the_weights_are_those_of_the_call(added):
    net, data = net_of(), feed(added)
    score = scorer(net, NORMALIZATION, data, "test", 3)
    before = score()
    net.set_weights([0.5 * weight for weight in net.get_weights()])
    after, fresh = score(), scorer(net, NORMALIZATION, data, "test", 3)()
    for one, other, old in zip(after, fresh, before, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        assert np.any(one.scores != old.scores)
