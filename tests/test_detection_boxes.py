"""Boxes, anchors, matching, sampling, proposals, regions' features and losses, by hand-computed
cases."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.detection import boxes, losses, roi_features
from benchmark.detection.anchors import anchors, inside, shapes
from benchmark.detection.matching import Truth, match_anchors, match_regions
from benchmark.detection.proposals import Proposals, proposals
from benchmark.detection.sampling import ANCHORS, REGIONS, key, sample
from benchmark.detection.targets import AnchorTargets, RegionTargets, anchor_targets, region_targets
from benchmark.spec.detector import (
    AnchorSpec,
    DetectorSpec,
    ProposalSpec,
    RegionSpec,
    RpnSpec,
)


def tensor(rows):
    return tf.constant(rows, tf.float32)


def some_boxes(rng, count, extent=100.0):
    corner = rng.uniform(0, extent * 0.7, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(5, extent * 0.3, (count, 2))], 1).astype(
        np.float32
    )


def truth_of(*rows, crowds=()):
    """One image's; a row is (x1, y1, x2, y2, label), padded by two rows."""
    rows = [*rows, (0, 0, 0, 0, -1), (0, 0, 0, 0, -1)]
    return Truth(
        tensor([row[:4] for row in rows])[None],
        tf.constant([[row[4] for row in rows]]),
        tf.constant([[at in crowds for at in range(len(rows))]]),
    )


# Boxes


def test_iou_by_hand():
    square = tensor([[0, 0, 2, 2]])
    others = tensor([[0, 0, 2, 2], [1, 0, 3, 2], [1, 1, 3, 3], [2, 0, 4, 2], [0, 0, 0, 0]])
    np.testing.assert_allclose(boxes.iou(square, others)[0], [1, 2 / 6, 1 / 7, 0, 0], rtol=1e-6)


def test_the_share_within_is_over_the_first_area():
    small, large = tensor([[1, 1, 2, 2]]), tensor([[0, 0, 10, 1.5]])
    assert boxes.share_within(small, large).numpy() == pytest.approx(0.5)
    assert boxes.share_within(large, small).numpy() == pytest.approx(0.5 / 15)
    assert boxes.share_within(tensor([[3, 3, 3, 3]]), large).numpy() == 0


def test_deltas_by_hand():
    reference, box = tensor([[0, 0, 10, 20]]), tensor([[5, 5, 25, 15]])
    # Centres (5, 10) and (15, 10); twice as wide, half as high.
    expected = [1.0, 0.0, math.log(2), -math.log(2)]
    found = boxes.encode(box, reference, (1.0, 1.0, 1.0, 1.0))
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    scaled = boxes.encode(box, reference, (0.1, 0.1, 0.2, 0.2))
    np.testing.assert_allclose(scaled[0], np.array(expected) / [0.1, 0.1, 0.2, 0.2], rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), stddev=st.sampled_from([1.0, 0.1]))
def test_decoding_takes_encoding_back(seed, stddev):
    rng = np.random.default_rng(seed)
    box, reference = some_boxes(rng, 6), some_boxes(rng, 6)
    stddevs = (stddev, stddev, 2 * stddev, 2 * stddev)
    back = boxes.decode(boxes.encode(box, reference, stddevs), reference, stddevs)
    np.testing.assert_allclose(back, box, atol=1e-3)


def test_no_prediction_overflows():
    found = boxes.decode(tensor([[0, 0, 1e6, 1e6]]), tensor([[0, 0, 10, 10]]), (1.0,) * 4)
    np.testing.assert_allclose(boxes.sides(found), [[625, 625]], rtol=1e-5)


def test_clipping_is_by_each_image():
    box = tensor([[-5, -5, 50, 50]])
    sizes = tf.constant([[20, 30], [60, 40]])  # Heights and widths.
    found = boxes.clip(tf.stack([box, box]), sizes)
    np.testing.assert_array_equal(found[:, 0], [[0, 0, 30, 20], [0, 0, 40, 50]])
    by_class = boxes.clip(tf.stack([box, box])[:, :, None], sizes)
    np.testing.assert_array_equal(by_class[:, :, 0], found)


# Anchors


def test_the_papers_anchors_have_its_areas_and_ratios():
    width, height = shapes(AnchorSpec()).T
    np.testing.assert_allclose(np.sqrt(width * height), [128, 256, 512] * 3)
    np.testing.assert_allclose(height / width, np.repeat([0.5, 1, 2], 3))


def test_anchors_by_hand():
    found = anchors(AnchorSpec(scales=(8.0,), ratios=(1.0, 4.0)), stride=4, height=2, width=3)
    # Centres at 2, 6 and 10 across and 2 and 6 down; an 8x8 box, and one 4 wide and 16 high.
    assert found.dtype == np.float32
    assert found.shape == (12, 4)
    np.testing.assert_allclose(found[:2], [[-2, -2, 6, 6], [0, -6, 4, 10]])
    np.testing.assert_allclose(found[2], [2, -2, 10, 6], err_msg="the next place is to the right")
    np.testing.assert_allclose(found[6], [-2, 2, 6, 10], err_msg="the next row is below")


def test_what_crosses_a_border_of_its_own_image_is_not_inside():
    four = tensor([[0, 0, 10, 20], [-1, 0, 5, 5], [0, 0, 11, 5], [0, 0, 5, 21]])
    sizes = tf.constant([[20, 10], [32, 32]])
    expected = [[True, False, False, False], [True, False, True, True]]
    np.testing.assert_array_equal(inside(four, sizes), expected)


# Matching


def kinds_of_anchors(rows, truth, size=(100, 100), **rpn):
    spec = DetectorSpec(rpn=RpnSpec(**rpn))
    matches = match_anchors(spec, tensor(rows), truth, tf.constant([size]))
    return matches.kinds[0].numpy().tolist(), matches.index[0].numpy().tolist()


def test_anchors_by_overlap():
    truth = truth_of((0, 0, 10, 10, 3), (50, 50, 60, 60, 1))
    rows = [
        (0, 0, 10, 10),  # 1: positive, and the best of the first.
        (0, 0, 10, 8),  # 0.8: positive.
        (0, 0, 10, 5),  # 0.5: neither.
        (0, 0, 5, 5),  # 0.25: negative.
        (50, 50, 55, 60),  # 0.5 alone, but the best of the second.
        (80, 80, 90, 90),  # 0
        (-1, 0, 10, 10),  # Crosses the border.
    ]
    kinds, index = kinds_of_anchors(rows, truth)
    assert kinds == [1, 1, -1, 0, 1, 0, -1]
    assert [index[at] for at in (0, 1, 4)] == [0, 0, 1]


def test_all_anchors_that_are_equally_the_best_are_positive():
    rows = [(0, 0, 10, 5), (0, 5, 10, 10), (0, 0, 10, 4)]
    assert kinds_of_anchors(rows, truth_of((0, 0, 10, 10, 0)))[0] == [1, 1, -1]


def test_the_best_is_sought_among_the_anchors_that_are_trained_on():
    rows, truth = [(-1, 0, 10, 10), (0, 0, 10, 6)], truth_of((0, 0, 10, 10, 0))
    assert kinds_of_anchors(rows, truth)[0] == [-1, 1]
    assert kinds_of_anchors(rows, truth, inside_only=False)[0] == [1, -1]


def test_without_objects_every_anchor_is_negative():
    assert kinds_of_anchors([(0, 0, 10, 10), (0, 0, 1, 1)], truth_of())[0] == [0, 0]


def test_what_lies_in_a_crowd_is_neither():
    truth = truth_of((0, 0, 40, 40, 2), (60, 60, 70, 70, 0), crowds=[0])
    rows = [(0, 0, 40, 40), (5, 5, 10, 10), (30, 0, 50, 40), (31, 0, 51, 40), (60, 60, 70, 70)]
    assert kinds_of_anchors(rows, truth)[0] == [-1, -1, -1, 0, 1]  # Half within, and less.


def test_regions_by_overlap():
    truth = truth_of((0, 0, 10, 10, 3), (50, 50, 60, 60, 1), (80, 80, 90, 90, 0), crowds=[2])
    rows = tensor(
        [
            (0, 0, 10, 5),  # 0.5: positive.
            (50, 50, 60, 54),  # 0.4: negative.
            (0, 0, 10, 0.5),  # 0.05
            (0, 0, 10, 10),  # Not there.
            (80, 80, 90, 90),  # A crowd.
        ]
    )[None]
    valid = tf.constant([[True, True, True, False, True]])
    for lowest, expected in ((0.0, [1, 0, 0, -1, -1]), (0.1, [1, 0, -1, -1, -1])):
        spec = DetectorSpec(regions=RegionSpec(negative_iou=lowest))
        matches = match_regions(spec, rows, valid, truth)
        assert matches.kinds[0].numpy().tolist() == expected
        assert matches.index[0].numpy().tolist()[:2] == [0, 1]


# Sampling


def drawn(kinds, total, share, seed=0, step=0):
    found = sample(tf.constant(kinds), total, share, key(seed, tf.constant(step), ANCHORS))
    return [row[chosen].tolist() for row, chosen in zip(*map(np.asarray, found), strict=True)]


def test_positive_ones_are_capped_and_negative_ones_fill_the_rest():
    kinds = [[1] * 10 + [0] * 10 + [-1] * 10, [1] * 2 + [0] * 20 + [-1] * 8]
    many, few = drawn(kinds, 8, 0.25)
    assert (sum(i < 10 for i in many), sum(10 <= i < 20 for i in many)) == (2, 6)
    assert (sum(i < 2 for i in few), sum(2 <= i < 22 for i in few)) == (2, 6)
    assert len(set(many)) == len(set(few)) == 8


@pytest.mark.parametrize(
    ("kinds", "share", "expected"),
    [
        ([1, 0, -1, -1], 0.5, [0, 1]),
        ([-1, -1, -1, -1], 0.5, []),
        ([1, 1, 1, -1], 1.0, [0, 1, 2]),
        ([1, 1, 0, 0], 0.0, [2, 3]),
        ([0, 0, 0, 0], 0.5, [0, 1, 2, 3]),
    ],
)
def test_where_there_are_too_few(kinds, share, expected):
    assert sorted(drawn([kinds], 100, share)[0]) == expected


def test_draws_are_of_seed_step_and_purpose_alone():
    kinds = np.zeros((2, 200), np.int32)
    once = drawn(kinds, 20, 0.5, seed=3, step=7)
    assert once == drawn(kinds, 20, 0.5, seed=3, step=7)
    assert once != drawn(kinds, 20, 0.5, seed=4, step=7)
    assert once != drawn(kinds, 20, 0.5, seed=3, step=8)
    assert once[0] != once[1]
    keys = {
        tuple(key(seed, tf.constant(step), purpose).numpy().tolist())
        for seed in range(3)
        for step in range(3)
        for purpose in (ANCHORS, REGIONS)
    }
    assert len(keys) == 18


def test_each_candidate_is_as_likely():
    kinds = np.array([[0] * 10 + [-1] * 10])
    counts = np.bincount(np.ravel([drawn(kinds, 5, 0.5, step=step)[0] for step in range(400)]))
    assert counts.shape == (10,)
    # Each is drawn 200 times of 400; six standard deviations of a binomial are 60.
    assert 140 < counts.min() <= counts.max() < 260


# Proposals


def proposed(rows, scores, deltas=None, size=(100, 100), training=False, **fields):
    rows = tensor(rows)
    deltas = tf.zeros((1, len(rows), 4)) if deltas is None else tensor(deltas)[None]
    spec = ProposalSpec(**{"test_count": 4, **fields})
    found = proposals(
        spec, tensor(scores)[None], deltas, rows, tf.constant([size]), training=training
    )
    assert found.boxes.shape == (1, 4, 4)
    return found.boxes[0].numpy().tolist(), found.valid[0].numpy().tolist()


def test_proposals_by_hand():
    rows = [
        (0, 0, 10, 10),  # Overlaps the second by 0.8: suppressed.
        (0, 0, 10, 8),
        (0, 0, 10, 5),  # By 5 / 8 = 0.625: stays.
        (95, 95, 105, 105),  # Is cut.
        (120, 0, 130, 10),  # Is outside.
    ]
    found, valid = proposed(rows, [1.0, 3.0, -2.0, 2.0, 5.0])
    assert found == [[0, 0, 10, 8], [95, 95, 100, 100], [0, 0, 10, 5], [0, 0, 0, 0]]
    assert valid == [True, True, True, False]


def test_proposals_are_moved_by_their_deltas():
    found, _ = proposed([(10, 10, 20, 20)], [0.0], [(1, -1, math.log(2), 0)])
    np.testing.assert_allclose(found[0], [15, 0, 35, 10], rtol=1e-5, atol=1e-5)


def test_small_proposals_are_dropped():
    rows = [(0, 0, 3, 30), (40, 40, 60, 60)]
    assert proposed(rows, [2.0, 1.0], min_side=4.0)[0][0] == [40, 40, 60, 60]
    assert proposed(rows, [2.0, 1.0], min_side=3.0)[0][0] == [0, 0, 3, 30]


def test_suppression_begins_with_the_best_scored_alone():
    rows = [(0, 0, 10, 10), (20, 20, 30, 30), (40, 40, 50, 50)]
    fields = dict(train_before_nms=2, train_count=4, training=True)
    found, valid = proposed(rows, [1.0, 3.0, 2.0], **fields)
    assert found[:2] == [[20, 20, 30, 30], [40, 40, 50, 50]]
    assert valid == [True, True, False, False]


def test_no_gradient_goes_through_proposals():
    rows, sizes = tensor([(0, 0, 10, 10)]), tf.constant([[100, 100]])
    logits, deltas = tf.zeros((1, 1)), tf.zeros((1, 1, 4))
    with tf.GradientTape() as tape:
        tape.watch([logits, deltas])
        found = proposals(ProposalSpec(), logits, deltas, rows, sizes, training=True).boxes
    assert tape.gradient(found, [logits, deltas]) == [None, None]


# Targets


def test_targets_of_anchors():
    truth = truth_of((10, 10, 30, 30, 5))
    rows = tensor([(10, 10, 30, 26), (60, 60, 70, 70), (0, 0, 3, 3)])
    found = anchor_targets(
        DetectorSpec(), rows, truth, tf.constant([[100, 100]]), key(0, tf.constant(0), ANCHORS)
    )
    assert sorted(found.index[0].numpy().tolist()) == [0, 1, 2]
    assert found.index[0, 0] == 0
    # Of 3 chosen half may be positive, which is 1. The centre lies 2 of 16 pixels lower.
    assert found.positive[0].numpy().tolist() == [True, False, False]
    expected = [0, 2 / 16, 0, math.log(20 / 16)]
    np.testing.assert_allclose(found.deltas[0, 0], expected, rtol=1e-5, atol=1e-6)


def test_targets_of_regions():
    truth = truth_of((10, 10, 30, 30, 5), (10, 10, 30, 31, 1), crowds=[1])
    found = Proposals(
        tensor([[(60, 60, 70, 70), (10, 10, 30, 26), (0, 0, 0, 0)]]),
        tf.constant([[True, True, False]]),
    )
    spec = DetectorSpec(regions=RegionSpec(batch=8, positive_share=0.5), crowd_overlap=1.0)
    targets = region_targets(spec, found, truth, key(0, tf.constant(0), REGIONS))
    chosen = targets.chosen[0].numpy()
    # A proposal and the true box are positive, the other is background; the crowd is no region.
    assert chosen.tolist() == [True, True, True] + [False] * 4
    assert targets.labels[0].numpy().tolist() == [6, 6, 0] + [0] * 4
    assert targets.boxes[0, 2].numpy().tolist() == [60, 60, 70, 70]
    columns = (each[0].numpy().tolist() for each in (targets.boxes, targets.deltas))
    by_box = {tuple(box): deltas for box, deltas in zip(*columns, strict=True)}
    np.testing.assert_allclose(by_box[10, 10, 30, 30], [0] * 4, atol=1e-5)
    expected = [0, 2 / 16 / 0.1, 0, math.log(20 / 16) / 0.2]
    np.testing.assert_allclose(by_box[10, 10, 30, 26], expected, rtol=1e-5, atol=1e-5)


# Losses


def test_smooth_l1_by_hand():
    found = losses.smooth_l1(tensor([0, 0.5, -0.5, 1, -3]))
    np.testing.assert_allclose(found, [0, 0.125, 0.125, 0.5, 2.5])


def test_losses_of_the_rpn_by_hand():
    targets = AnchorTargets(
        index=tf.constant([[3, 0, 1]]),
        chosen=tf.constant([[True, True, False]]),
        positive=tf.constant([[True, False, False]]),
        deltas=tensor([[[0, 0, 0, 0], [9, 9, 9, 9], [9, 9, 9, 9]]]),
    )
    objectness = tensor([[0, 99, 99, math.log(3)]])
    deltas = tensor([[[5] * 4] * 3 + [[0.5, 2, 0, 0]]])
    objects, where = losses.rpn_losses(objectness, deltas, targets, places=20, weight=10.0)
    # Probabilities 3/4 of the positive one, 1/2 of the negative one.
    assert objects.numpy() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert where.numpy() == pytest.approx(10 * (0.125 + 1.5) / 20)


def test_losses_of_regions_by_hand():
    targets = RegionTargets(
        boxes=tf.zeros((1, 3, 4)),
        chosen=tf.constant([[True, True, False]]),
        labels=tf.constant([[2, 0, 0]]),
        deltas=tensor([[[1, 1, 1, 1], [7, 7, 7, 7], [7, 7, 7, 7]]]),
    )
    logits = tensor([[[0, 0, math.log(2)], [0, 0, 0], [99, 0, 0]]])
    deltas = tensor([[[[9] * 4, [1, 1, 2, 3]], [[9] * 4] * 2, [[9] * 4] * 2]])
    classes, where = losses.region_losses(logits, deltas, targets)
    # Probabilities 2/4 of class 2, 1/3 of the background.
    assert classes.numpy() == pytest.approx((math.log(2) + math.log(3)) / 2)
    assert where.numpy() == pytest.approx((0.5 + 1.5) / 2)


def test_an_image_without_any_candidate_has_no_loss():
    nothing = tf.constant([[False]])
    anchor = AnchorTargets(tf.constant([[0]]), nothing, nothing, tf.zeros((1, 1, 4)))
    parts = losses.rpn_losses(tensor([[5]]), tf.ones((1, 1, 4)), anchor, 1, 1.0)
    region = RegionTargets(tf.zeros((1, 1, 4)), nothing, tf.constant([[0]]), tf.zeros((1, 1, 4)))
    parts += losses.region_losses(tensor([[[1, 2]]]), tf.ones((1, 1, 1, 4)), region)
    assert [part.numpy() for part in parts] == [0, 0, 0, 0]


# Features of regions


def ramp(height, width, by_row=0.0, by_column=1.0):
    """A feature map that is a plane: interpolation gives its value at each point exactly."""
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return tensor((by_row * y + by_column * x)[None, :, :, None])


def test_roi_align_of_a_plane_is_its_value_at_each_bins_centre():
    # The first feature's centre is at pixel 2: pixel p has the value p / 4 - 1/2.
    features = ramp(8, 8, by_row=10.0)
    found = roi_features.roi_align(features, tensor([[[4, 8, 20, 24]]]), 4, size=2, samples=3)
    across, down = np.array([8, 16]) / 4 - 0.5, np.array([12, 20]) / 4 - 0.5
    np.testing.assert_allclose(found[0, 0, :, :, 0], across + 10 * down[:, None], rtol=1e-6)


def test_roi_align_beyond_the_outer_centres_takes_the_outer_features():
    found = roi_features.roi_align(ramp(4, 4), tensor([[[0, 0, 1, 1]]]), 4, size=1, samples=2)
    assert found.numpy().ravel().tolist() == [0]
    found = roi_features.roi_align(ramp(4, 4), tensor([[[15, 15, 16, 16]]]), 4, 1, 2)
    assert found.numpy().ravel().tolist() == [3]


def test_roi_max_by_hand():
    features = ramp(6, 6, by_row=10.0)
    # From feature 1 to feature 4, both included: bins of two.
    found = roi_features.roi_max(features, tensor([[[4, 4, 16, 16]]]), 4, size=2)
    assert found[0, 0, :, :, 0].numpy().tolist() == [[22, 24], [42, 44]]
    # Three features in two bins: both hold the middle one.
    found = roi_features.roi_max(features, tensor([[[4, 4, 12, 12]]]), 4, size=2)
    assert found[0, 0, :, :, 0].numpy().tolist() == [[22, 23], [32, 33]]
    # What lies outside is not there.
    found = roi_features.roi_max(features, tensor([[[40, 40, 60, 60]]]), 4, size=2)
    assert found[0, 0, :, :, 0].numpy().tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("pooling", ["align", "max"])
def test_each_image_has_its_own_regions(pooling):
    rng = np.random.default_rng(0)
    features = tensor(rng.normal(size=(2, 7, 9, 3)))
    regions = tensor(np.stack([some_boxes(rng, 5, 30.0) for _ in range(2)]))
    spec = RegionSpec(pooling=pooling, size=3)
    both = roi_features.roi_features(spec, features, regions, 4)
    assert both.shape == (2, 5, 3, 3, 3)
    for image in range(2):
        own = slice(image, image + 1)
        alone = roi_features.roi_features(spec, features[own], regions[own], 4)
        np.testing.assert_allclose(both[own], alone, rtol=1e-5, atol=1e-6)
