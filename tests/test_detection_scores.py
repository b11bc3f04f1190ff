"""Average precision as COCO and as VOC compute it, on cases that are computed by hand."""

import contextlib
import io
import json
import math

import numpy as np
import pytest
from detection_files import box, make_split

from benchmark.data.detection import coco_json
from benchmark.data.detection.example import Example, joined
from benchmark.evaluation.boxes.coco import coco_scores
from benchmark.evaluation.boxes.detections import (
    Detections,
    coco_results,
    from_json,
    in_order,
    to_json,
)
from benchmark.evaluation.boxes.voc import voc_map_percent

BOTH = pytest.mark.parametrize("method", ["11-point", "continuous"])


def truth(image_id, *objects):
    """``objects``: (x1, y1, x2, y2, label), and True behind for a crowd."""
    boxes = np.array([each[:4] for each in objects], np.float32).reshape(-1, 4)
    return Example(
        image_id,
        200,
        200,
        boxes,
        np.array([each[4] for each in objects], np.int32),
        np.array([len(each) > 5 for each in objects], bool),
        np.prod(boxes[:, 2:] - boxes[:, :2], axis=1),
    )


def found(image_id, *rows):
    """``rows``: (x1, y1, x2, y2, label, score)."""
    return Detections(
        image_id,
        np.array([each[:4] for each in rows], np.float32).reshape(-1, 4),
        np.array([each[5] for each in rows], np.float32),
        np.array([each[4] for each in rows], np.int32),
    )


def of_class(label, truths, rows):
    """The objects and detections of one class alone, as class 0."""
    objects, alone = [], []
    for each in map(truths.__getitem__, range(len(truths))):
        here = each.labels == label
        columns = each.boxes[here], each.labels[here] * 0, each.crowds[here], each.areas[here]
        objects.append(Example(each.image_id, each.height, each.width, *columns))
    for each in rows:
        here = each.labels == label
        columns = each.boxes[here], each.scores[here], each.labels[here] * 0
        alone.append(Detections(each.image_id, *columns))
    return joined(objects), alone


# VOC

THREE = joined(
    [
        truth(7, (0, 0, 10, 10, 0), (20, 0, 30, 10, 0), (40, 0, 50, 10, 0, True)),
        truth(3, (0, 0, 10, 10, 0), (0, 50, 9, 59, 1)),
    ]
)
"""Three objects of class 0 and a difficult one; one of class 1."""

FIVE = [
    found(
        7,
        (40, 0, 50, 10, 0, 0.8),  # The difficult one: does not count.
        (0, 0, 10, 10, 0, 0.9),  # Right.
        (1, 0, 11, 10, 0, 0.7),  # The same once more: wrong.
        (20, 0, 30, 20, 0, 0.4),  # Overlaps by exactly a half: right.
        (40, 0, 51, 10, 0, 0.85),  # The difficult one again.
    ),
    found(3, (0, 0, 10, 10, 0, 0.6), (100, 0, 110, 10, 0, 0.5), (0, 0, 5, 5, 2, 1.0)),
]
"""Best first: right, wrong, right, wrong, right, of three; so precisions of 1, 1/2, 2/3, 2/4 and
3/5, at recalls of 1/3, 1/3, 2/3, 2/3 and 1."""


def by_class(truths, rows, classes, method):
    alone = [of_class(label, truths, rows) for label in range(classes)]
    return [voc_map_percent(*each, 1, method=method) for each in alone]


def test_the_continuous_rule():
    first = 100 * (1 + 2 / 3 + 3 / 5) / 3
    assert by_class(THREE, FIVE, 3, "continuous") == [pytest.approx(first), 0.0, None]
    assert voc_map_percent(THREE, FIVE, 3, method="continuous") == pytest.approx(first / 2)


def test_the_11_point_rule():
    # 1 at recalls of 0 to 0.3, 2/3 to 0.6, 3/5 to 1.
    first = 100 * (4 * 1 + 3 * 2 / 3 + 4 * 3 / 5) / 11
    assert by_class(THREE, FIVE, 3, "11-point") == [pytest.approx(first), 0.0, None]
    assert voc_map_percent(THREE, FIVE, 3, method="11-point") == pytest.approx(first / 2)


def test_a_recall_that_is_a_level_reaches_it():
    """3 of 10 are a recall of 0.3, whatever the rounding of 3 * 0.1."""
    objects = [(20 * i, 0, 20 * i + 10, 10, 0) for i in range(10)]
    for hits in range(11):
        rows = [(*each, 0.5) for each in objects[:hits]]
        parts = joined([truth(1, *objects)]), [found(1, *rows)]
        expected = pytest.approx(100 * (hits + 1) / 11 if hits else 0.0)
        assert voc_map_percent(*parts, 1, method="11-point") == expected


@BOTH
def test_a_detection_belongs_to_what_it_overlaps_most(method):
    """The second overlaps the first object by 9/11 and the other, still free, by 7/13."""
    truths = joined([truth(1, (0, 0, 10, 10, 0), (0, 4, 10, 14, 0))])
    rows = [found(1, (0, 0, 10, 10, 0, 0.9), (0, 1, 10, 11, 0, 0.8))]
    expected = {"11-point": 100 * 6 / 11, "continuous": 50.0}
    assert voc_map_percent(truths, rows, 1, method=method) == pytest.approx(expected[method])
    # COCO gives it what is left.
    assert coco_scores(truths, rows, [1])["ap50_percent"] == pytest.approx(100)


@BOTH
def test_overlap_is_that_of_pixels_counted_with_both_ends(method):
    """VOC's rows 11 to 20 and 16 to 25 share 5 of 15; from 0.334 on that is too little."""
    truths = joined([truth(1, (10, 0, 20, 1, 0))])
    rows = [found(1, (15, 0, 25, 1, 0, 0.9))]
    for least, expected in ((0.333, 100.0), (0.334, 0.0)):
        assert voc_map_percent(truths, rows, 1, method=method, min_overlap=least) == expected


@BOTH
def test_nothing_found_and_nothing_to_be_found(method):
    nothing = [found(7), found(3)]
    assert by_class(THREE, nothing, 3, method) == [0.0, 0.0, None]
    assert voc_map_percent(THREE, nothing, 3, method=method) == 0.0
    empty = joined([truth(7), truth(3)])
    assert voc_map_percent(empty, nothing, 2, method=method) is None


# COCO


def test_thresholds_from_a_half_on():
    """Of width 100 and 62, an overlap of 0.62: enough for 0.5, 0.55 and 0.6 of ten thresholds."""
    truths = joined([truth(1, (0, 0, 100, 50, 0))])
    scores = coco_scores(truths, [found(1, (0, 0, 62, 50, 0, 0.3))], [4])
    assert scores["ap_percent"] == pytest.approx(30)
    assert (scores["ap50_percent"], scores["ap75_percent"]) == (pytest.approx(100), 0.0)


def test_recalls_are_101_levels():
    """One of two: a precision of 1 at recalls of 0 to 0.50, 51 of 101 levels."""
    truths = joined([truth(1, (0, 0, 100, 50, 0)), truth(2, (0, 0, 100, 50, 0))])
    scores = coco_scores(truths, [found(1, (0, 0, 100, 50, 0, 0.3)), found(2)], [4])
    assert scores["ap_percent"] == pytest.approx(100 * 51 / 101)


def test_sizes_and_classes():
    truths = joined(
        [truth(1, (0, 0, 31, 31, 0), (50, 0, 145, 95, 1)), truth(2, (0, 0, 150, 150, 2))]
    )
    rows = [
        found(1, (0, 0, 31, 31, 0, 0.9), (50, 0, 145, 95, 0, 0.8)),
        found(2, (0, 0, 150, 150, 2, 0.7)),
    ]
    scores = coco_scores(truths, rows, [2, 3, 5, 8])
    assert (scores["ap_small_percent"], scores["ap_medium_percent"]) == (pytest.approx(100), 0.0)
    assert scores["ap_large_percent"] == pytest.approx(100)
    alone = [coco_scores(*of_class(label, truths, rows), [1]) for label in range(4)]
    for name in ("ap_percent", "ap50_percent"):
        expected = [pytest.approx(100), 0.0, pytest.approx(100), None]
        assert [each[name] for each in alone] == expected
    assert scores["ap_percent"] == pytest.approx(200 / 3)
    assert coco_scores(joined([truth(1)]), [found(1)], [1])["ap_percent"] is None


def test_what_lies_on_a_crowd_does_not_count():
    objects = [(0, 0, 50, 50, 0), (100, 100, 200, 200, 0, True)]
    rows = [(0, 0, 50, 50, 0, 0.5), (110, 110, 130, 130, 0, 0.9), (150, 150, 170, 170, 0, 0.8)]
    scores = coco_scores(joined([truth(1, *objects)]), [found(1, *rows)], [1])
    assert scores["ap_percent"] == pytest.approx(100)
    without = coco_scores(joined([truth(1, objects[0])]), [found(1, *rows)], [1])
    assert without["ap_percent"] == pytest.approx(100 / 3)


def test_nothing_found():
    assert coco_scores(THREE, [found(7), found(3)], [1, 2, 3])["ap_percent"] == 0.0


def test_the_scores_are_those_of_pycocotools_on_the_file_itself(tmp_path):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    random = np.random.default_rng(0)
    annotations = [
        box(
            number,
            (9, 4)[int(random.integers(2))],
            [*random.integers(0, 50, 2).tolist(), *random.integers(10, 60, 2).tolist()],
            id=place,
            iscrowd=int(place % 7 == 0),
            area=float(random.uniform(100, 2000)),
        )
        for place, number in enumerate(np.repeat([8, 2, 5, 11], 6).tolist(), start=1)
    ]
    file, _ = make_split(tmp_path, "train", [8, 2, 5, 11], annotations)
    read = coco_json.read_annotations(file)
    truths = joined(read.examples)
    rows = []
    for each in read.examples:
        moved = each.boxes + random.normal(0, 4, each.boxes.shape).astype(np.float32)
        moved = np.sort(moved.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
        scores = random.uniform(size=len(moved)).astype(np.float32)
        rows.append(Detections(each.image_id, moved, scores, each.labels))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(str(file))
        scored = COCOeval(theirs, theirs.loadRes(coco_results(rows, [4, 9])), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    ours = coco_scores(truths, rows, [4, 9])
    assert 20 < ours["ap_percent"] < 90
    expected = [100 * stat if stat >= 0 else None for stat in scored.stats[:6]]
    kinds = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
    assert [ours[f"{kind}_percent"] for kind in kinds] == expected


# Each image once


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([found(7)], "each of 2 images must be scored once. Received: 1; missing: 3"),
        ([found(7), found(3), found(7)], "Received twice: 7"),
        ([found(7), found(3), found(4)], "of no image: 4"),
    ],
)
def test_an_image_that_is_missing_or_there_twice_is_an_error(rows, match):
    for score in (
        lambda: coco_scores(THREE, rows, [1, 2, 3]),
        lambda: voc_map_percent(THREE, rows, 3, method="continuous"),
    ):
        with pytest.raises(RuntimeError, match=match):
            score()


def test_detections_come_in_any_order():
    assert [each.image_id for each in in_order(THREE, FIVE[::-1], 3)] == [7, 3]
    one = voc_map_percent(THREE, FIVE, 3, method="continuous")
    assert one == voc_map_percent(THREE, FIVE[::-1], 3, method="continuous")


def test_labels_without_a_class_are_an_error():
    with pytest.raises(ValueError, match="labels of image 3 must be from 0 to 1"):
        in_order(THREE, FIVE, 2)


@pytest.mark.parametrize(
    "arrays",
    [
        (np.zeros((2, 4)), np.zeros(1), np.zeros(1)),
        (np.zeros((1, 4)), np.zeros(1), np.zeros(2)),
        (np.zeros((0,)), np.zeros(0), np.zeros(0)),
        (np.full((1, 4), math.nan), np.zeros(1), np.zeros(1)),
        (np.zeros((1, 4)), np.array([math.inf]), np.zeros(1)),
    ],
)
def test_arrays_that_do_not_fit_are_an_error(arrays):
    with pytest.raises(ValueError, match="image 5 must have"):
        Detections(5, *arrays)


# Kept


def test_what_was_kept_gives_the_same_scores():
    random = np.random.default_rng(1)
    rows = [
        Detections(
            number,
            random.uniform(0, 60, (20, 4)).astype(np.float32),
            random.uniform(size=20).astype(np.float32),
            random.integers(0, 3, 20).astype(np.int32),
        )
        for number in (3, 7)
    ]
    text = to_json([*rows, found(9)])
    again = from_json(text)
    assert [each.image_id for each in again] == [3, 7, 9] and len(again[2].boxes) == 0
    for one, other in zip(rows, again, strict=False):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.labels, other.labels)
    assert to_json(again) == text
    assert json.loads(text)[0].keys() == {"image_id", "boxes", "scores", "labels"}
    assert from_json(to_json([])) == []
    for text in ("{", "[3]", '[{"image_id": 1}]', "3"):
        with pytest.raises(ValueError):
            from_json(text)
