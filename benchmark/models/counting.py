"""Trainable parameters and multiply-adds of a built Keras model, counted layer by layer."""

import math

import keras

from benchmark.models.count import Cost


def counted_cost(model: keras.Model) -> Cost:
    """The cost of a model of convolutions and dense layers, from its weights and shapes."""
    parameters = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    multiply_adds = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            pixels = math.prod(layer.output.shape[1:-1])
            multiply_adds += math.prod(layer.kernel.shape) * pixels
    return Cost(parameters, multiply_adds)
