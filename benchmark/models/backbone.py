"""A classifier split in two as the backbone of a detector."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Backbone:
    """Two nets, whose layers are named as in the classifier: one shared by all regions, and one
    applied to each of them."""

    features: keras.Model
    """Normalised images (batch, height, width, 3) to (batch, height / ``stride``,
    width / ``stride``, channels); rounded up, for VGG down."""
    regions: keras.Model
    """Region features (n, size, size, channels) to (n, outputs). For VGG ``size`` is fixed."""
    stride: int
    """Pixels per feature."""
    parts: tuple[str, ...]
    """Prefixes of the names of the layers of ``features``: those of conv1, of conv2_x, and so
    on."""

    @property
    def weights(self) -> list[keras.Variable]:
        """The weights of both, with the same paths as in the classifier."""
        return [*self.features.weights, *self.regions.weights]

    def check_size(self, size: int) -> None:
        """Raise ValueError if ``regions`` does not accept features of ``size`` by ``size``."""
        wanted = self.regions.input_shape[1]
        if wanted not in (None, size):
            raise ValueError(f"regions.size must be {wanted} for this backbone. Received: {size}")
