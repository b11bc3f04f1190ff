"""What a detector finds in all images of a split."""

from collections.abc import Callable

from benchmark.data.detection.feed import DetectionFeed
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.detection.predict import predictor
from benchmark.detection.joint_loss import Normalize
from benchmark.evaluation.detections import Detections, in_order


def detections(
    net: FasterRCNN, normalize: Normalize, feed: DetectionFeed, split: str, batch_size: int
) -> list[Detections]:
    """One of each image of ``split``, in its order. Whoever scores more than once takes a
    ``scorer``."""
    return scorer(net, normalize, feed, split, batch_size)()


def scorer(
    net: FasterRCNN, normalize: Normalize, feed: DetectionFeed, split: str, batch_size: int
) -> Callable[[], list[Detections]]:
    """A function that gives ``detections`` by the weights that ``net`` has when it is called. What
    it traces at its first call it keeps.

    It raises DataError, which names the file, and RuntimeError where an image is not found once.
    """
    predict = predictor(net, normalize)

    def score() -> list[Detections]:
        found = (
            each for batch in feed.scored_batches(split, batch_size) for each in predict(*batch)
        )
        return in_order(feed.found.truths[split], found, net.num_classes)

    return score
