"""How a gradient becomes a step."""

from typing import Annotated, Literal

from pydantic import Field

from benchmark.spec.base import UNSIGNED, Spec


class OptimizerSpec(Spec):
    """Stochastic gradient descent with momentum (sections 3.4 and 4.2)."""

    batch_size: int = Field(default=128, ge=1, le=65_536)
    """Images a step."""

    momentum: Annotated[float, Field(ge=0, lt=1), UNSIGNED] = 0.9

    nesterov: bool = False
    """Nesterov's form of momentum. The paper does not say."""

    momentum_form: Literal["caffe", "torch"] = "caffe"
    """Where the learning rate stands: ``caffe``, v = m v + lr g, w = w - v (the framework of
    the paper's authors, and Keras's SGD); ``torch``, v = m v + g, w = w - lr v. They differ
    after each change of the rate."""

    weight_decay: Annotated[float, Field(ge=0), UNSIGNED] = 1e-4

    weight_decay_form: Literal["coupled", "decoupled"] = "coupled"
    """``coupled``: g + wd w enters the momentum (the paper); ``decoupled``: w = w - lr wd w
    beside it (Keras's ``weight_decay``)."""

    weight_decay_scope: Literal["kernels", "all"] = "all"
    """``kernels``: convolution and classifier kernels; ``all``: biases and BN's scale and shift
    too, as Caffe does by default. The paper does not say."""
