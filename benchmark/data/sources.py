"""From a run's spec to its images: those that are held in memory, and photographs."""

from benchmark.data import cifar10
from benchmark.data.feed import Feed
from benchmark.data.images import DataError, Images
from benchmark.data.normalization import Normalization
from benchmark.data.photographs import registry
from benchmark.data.photographs.registry import Photographs
from benchmark.data.photographs.stream import StreamedImages
from benchmark.data.resident import ResidentImages
from benchmark.spec import DatasetSpec


def load(spec: DatasetSpec) -> Images | Photographs:
    """The images that a spec names, checked. Raises DataError, which says how to get them."""
    return registry.load(spec) if spec.photographs else cifar10.load(spec.name)


def feed(
    spec: DatasetSpec,
    images: Images | Photographs,
    split: str,
    pretrained: Normalization | None = None,
) -> Feed:
    """What trains and scores on them. ``split``: ``test`` or ``validation``; ``pretrained``: the
    normalisation, where it is not that of these images. Raises DataError where it is for images of
    another size."""
    if pretrained and pretrained.mean.shape not in ((3,), (), spec.image_shape):
        rule = "the mean image that the pretrained weights come with must be of the images' shape"
        raise DataError(f"{rule}, {spec.image_shape}. Received: {pretrained.mean.shape}")
    if isinstance(images, Photographs):
        return StreamedImages(spec, images, split, pretrained)
    return ResidentImages(spec, images, split, pretrained)
