"""The device on which initial weights are drawn."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("resnet_bench")
class OnCpu(keras.initializers.Initializer):
    """Another initialiser, run on the CPU whatever the weights' device: a run then starts with the
    same bits on a GPU, whose logarithm and cosine differ."""

    def __init__(self, inner: Any):
        """``inner``: anything that Keras accepts as an initialiser."""
        self.inner = keras.initializers.get(inner)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """See Keras."""
        with keras.device("cpu:0"):
            return self.inner(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the argument for ``from_config``."""
        return {"inner": keras.initializers.serialize(self.inner)}
