"""Load a run's images, of any kind, from its spec. ``load`` does not need TensorFlow, except for
data that tensorflow-datasets keeps."""

from typing import TYPE_CHECKING, overload

from benchmark.data import cifar10
from benchmark.data.detection import registry as boxes
from benchmark.data.detection.detection_set import DetectionSet
from benchmark.data.images import DataError, Images
from benchmark.data.photographs import registry
from benchmark.data.photographs.registry import Photographs
from benchmark.spec import BoxesSpec, CifarSpec, DatasetSpec, LabelledSpec, PhotographsSpec
from benchmark.spec.boxes import PASTED
from benchmark.spec.cifar import IN_MEMORY

if TYPE_CHECKING:
    from benchmark.data.feed import Feed
    from benchmark.data.normalization import Normalization

MODULES = {"cifar10": cifar10, "cifar10-subset": cifar10}
"""Data set held in memory -> its module, with ``load(name)``, and with ``SHA256`` and ``get(source,
file, say)`` if it is downloaded."""

IN_PACKAGE = (*(name for name, images in IN_MEMORY.items() if images.in_package), PASTED)
"""Data sets that are part of the package, and so always complete."""


@overload
def load(spec: LabelledSpec) -> Images | Photographs: ...
@overload
def load(spec: BoxesSpec) -> DetectionSet: ...
def load(spec: DatasetSpec) -> Images | Photographs | DetectionSet:
    """Load and check the images that a spec names. Raises DataError, which says how to get them."""
    if isinstance(spec, BoxesSpec):
        return boxes.load(spec)
    if isinstance(spec, CifarSpec):
        return MODULES[spec.name].load(spec.name)
    return registry.load(spec)


def feed(
    spec: LabelledSpec,
    images: Images | Photographs,
    pretrained: "Normalization | None" = None,
) -> "Feed":
    """Return the feed of images that have a class. ``pretrained``: the normalization to use in
    place of the images' own. Raises DataError if it is for images of another size."""
    from benchmark.data.photographs.stream import StreamedImages
    from benchmark.data.resident import ResidentImages

    if pretrained and pretrained.mean.shape not in ((3,), (), spec.image_shape):
        rule = "the mean image that the pretrained weights come with must be of the images' shape"
        raise DataError(f"{rule}, {spec.image_shape}. Received: {pretrained.mean.shape}")
    if isinstance(images, Photographs):
        assert isinstance(spec, PhotographsSpec)
        return StreamedImages(spec, images, pretrained)
    assert isinstance(spec, CifarSpec)
    return ResidentImages(spec, images, pretrained)
