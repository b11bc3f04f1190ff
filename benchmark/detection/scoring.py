"""A detector's detections in all images of a split."""

from collections.abc import Callable, Iterator

from benchmark.data.detection.feed import DetectionFeed
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.detection.joint_loss import Normalize
from benchmark.detection.predict import predictor
from benchmark.evaluation.boxes.detections import Detections, in_order


def scorer(
    net: FasterRCNN, normalize: Normalize, feed: DetectionFeed, split: str, batch_size: int
) -> Callable[[], list[Detections]]:
    """Return a function that returns one Detections per image of ``split``, in its order, with the
    weights that ``net`` has when called. It keeps what it traces in its first call.

    If the net's spec names ``scales``, an image is decoded for each: enlarging a smaller picture of
    it would lose the detail. All scales of one batch are held at once, then those of the next.

    It raises DataError, which names the file, and RuntimeError if an image is not found once.
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
