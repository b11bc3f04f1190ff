"""A classifier parted in two, under a detector."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Backbone:
    """Two nets, whose layers have the names that they have in the classifier: what all regions
    share, and what is for each of them."""

    features: keras.Model
    """Images (batch, height, width, 3), normalised, to (batch, height / ``stride``,
    width / ``stride``, channels); rounded up, by VGG down."""
    regions: keras.Model
    """A region's features (n, size, size, channels) to (n, outputs). Of VGG ``size`` is known."""
    stride: int
    """Pixels to a feature."""
    parts: tuple[str, ...]
    """What the names of the layers of ``features`` begin with: those of conv1, of conv2_x, and so
    on."""

    @property
    def weights(self) -> list[keras.Variable]:
        """Of both, whose paths are those of the classifier's."""
        return [*self.features.weights, *self.regions.weights]

    def check_size(self, size: int) -> None:
        """Raises ValueError where ``regions`` takes no features of ``size`` by ``size``."""
        wanted = self.regions.input_shape[1]
        if wanted not in (None, size):
            raise ValueError(f"regions.size must be {wanted} for this backbone. Received: {size}")
