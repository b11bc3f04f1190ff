"""A classifier split in two, as a detector's backbone."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Backbone:
    """Two nets, whose layers keep their names from the classifier: the part that all regions share,
    and the part that runs on each region."""

    features: keras.Model
    """From normalised images (batch, height, width, 3) to (batch, height / ``stride``,
    width / ``stride``, channels); rounded up, or down for VGG."""
    regions: keras.Model
    """From the regions' features (n, size, size, channels) to (n, outputs). VGG fixes ``size``."""
    stride: int
    """Pixels per feature."""
    parts: tuple[str, ...]
    """Prefixes of the names of the layers of ``features``: for conv1, for conv2_x, and so on."""

    @property
    def weights(self) -> list[keras.Variable]:
        """The weights of both nets, with the same paths as in the classifier."""
        return [*self.features.weights, *self.regions.weights]

    def check_size(self, size: int) -> None:
        """Raise ValueError if ``regions`` does not take features of ``size`` by ``size``."""
        wanted = self.regions.input_shape[1]
        if wanted not in (None, size):
            raise ValueError(f"regions.size must be {wanted} for this backbone. Received: {size}")
