"""A detector's detections in all images of a split."""

from collections.abc import Callable, Iterator

from benchmark.data.detection.feed import DetectionFeed
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.detection.joint_loss import Normalize
from benchmark.detection.predict import predictor
from benchmark.evaluation.boxes.detections import Detections, in_order


def detections(
    net: FasterRCNN, normalize: Normalize, feed: DetectionFeed, split: str, batch_size: int
) -> list[Detections]:
    """Return one Detections per image of ``split``, in its order. To score more than once, use
    ``scorer``."""
    return scorer(net, normalize, feed, split, batch_size)()


def scorer(
    net: FasterRCNN, normalize: Normalize, feed: DetectionFeed, split: str, batch_size: int
) -> Callable[[], list[Detections]]:
    """Return a function that gives ``detections`` with ``net``'s weights at the time of the call.
    It is traced once, at its first call.

    If the net's spec names ``scales``, an image is decoded for each: enlarging a smaller version of
    it would lose detail. All scales of one batch are held, then those of the next.

    It raises DataError, which names the file, and RuntimeError unless each image is found once.
    """
    own = feed.sides.shorter
    sides = sorted({own, *(net.spec.inference.scales or ())})
    predict = predictor(net, normalize, own)

    def found() -> Iterator[Detections]:
        each = [feed.scored_batches(split, batch_size, feed.sides.at(side)) for side in sides]
        for batches in zip(*each, strict=True):
            yield from predict(dict(zip(sides, batches, strict=True)))

    def score() -> list[Detections]:
        return in_order(feed.found.truths[split], found(), net.num_classes)

    return score
