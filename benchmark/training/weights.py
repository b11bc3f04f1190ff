"""A model's weights as plain arrays, and their digest."""

import hashlib

import keras
import numpy as np


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Path -> array, trained weights and moving statistics, in the model's order."""
    return {weight.path: weight.numpy() for weight in model.weights}


def weights_sha256(model: keras.Model) -> str:
    """Of every weight's path, type, shape and bytes."""
    digest = hashlib.sha256()
    for path, array in weight_arrays(model).items():
        digest.update(f"{path} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
