"""A model's weights as plain arrays, and their digest."""

import hashlib
from collections.abc import Mapping

import keras
import numpy as np


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Return path -> array for trained weights and moving statistics, in the model's order."""
    return {weight.path: weight.numpy() for weight in model.weights}


def weights_sha256(model: keras.Model) -> str:
    """Return the digest of every weight's path, type, shape and bytes."""
    return arrays_sha256(weight_arrays(model))


def arrays_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the digest of each array's name, type, shape and bytes, in the mapping's order."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
