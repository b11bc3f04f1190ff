"""The device on which initial weights are drawn."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("resnet_bench")
class OnCpu(keras.initializers.Initializer):
    """Another initialiser's weights, drawn on the CPU whichever device they are for: so a run
    starts with the same bits on a GPU, whose logarithm and cosine differ."""

    def __init__(self, inner: Any):
        """``inner``: what Keras takes for an initialiser."""
        self.inner = keras.initializers.get(inner)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """See Keras."""
        with keras.device("cpu:0"):
            return self.inner(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        """The argument, for ``from_config``."""
        return {"inner": keras.initializers.serialize(self.inner)}
