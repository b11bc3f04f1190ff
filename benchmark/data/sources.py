"""From a run's spec to its images, of whichever kind. ``load`` needs no TensorFlow, but for what
tensorflow-datasets keeps."""

from typing import TYPE_CHECKING, overload

from benchmark.data import cifar10
from benchmark.data.detection import registry as boxes
from benchmark.data.detection.registry import DetectionSet
from benchmark.data.images import DataError, Images
from benchmark.data.photographs import registry
from benchmark.data.photographs.registry import Photographs
from benchmark.spec import DatasetSpec, DetectionDataSpec
from benchmark.spec.detection_data import PASTED

if TYPE_CHECKING:
    from benchmark.data.feed import Feed
    from benchmark.data.normalization import Normalization

IN_PACKAGE = ("cifar10-subset", PASTED)
"""Data sets that nothing can be missing of."""


@overload
def load(spec: DatasetSpec) -> Images | Photographs: ...
@overload
def load(spec: DetectionDataSpec) -> DetectionSet: ...
def load(spec: DatasetSpec | DetectionDataSpec) -> Images | Photographs | DetectionSet:
    """The images that a spec names, checked. Raises DataError, which says how to get them."""
    if isinstance(spec, DetectionDataSpec):
        return boxes.load(spec)
    return registry.load(spec) if spec.photographs else cifar10.load(spec.name)


def feed(
    spec: DatasetSpec,
    images: Images | Photographs,
    split: str,
    pretrained: "Normalization | None" = None,
) -> "Feed":
    """What trains and scores on images that have a class. ``split``: ``test`` or ``validation``;
    ``pretrained``: the normalisation, where it is not that of these images. Raises DataError where
    it is for images of another size."""
    from benchmark.data.photographs.stream import StreamedImages
    from benchmark.data.resident import ResidentImages

    if pretrained and pretrained.mean.shape not in ((3,), (), spec.image_shape):
        rule = "the mean image that the pretrained weights come with must be of the images' shape"
        raise DataError(f"{rule}, {spec.image_shape}. Received: {pretrained.mean.shape}")
    if isinstance(images, Photographs):
        return StreamedImages(spec, images, split, pretrained)
    return ResidentImages(spec, images, split, pretrained)
