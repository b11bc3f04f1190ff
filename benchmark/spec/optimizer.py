"""The optimizer: how a gradient becomes a step."""

from typing import Annotated, Literal

from pydantic import Field

from benchmark.spec.base import TOLD, UNSIGNED, Spec, tag, told_by


class SgdSpec(Spec):
    """Stochastic gradient descent with momentum (sections 3.4 and 4.2)."""

    kind: Annotated[Literal["sgd"], TOLD] = "sgd"

    batch_size: int = Field(default=128, ge=1, le=65_536)
    """Images per step."""

    momentum: Annotated[float, Field(ge=0, lt=1), UNSIGNED] = 0.9

    nesterov: bool = False
    """Nesterov momentum. The paper does not say; the authors' released solver and Goyal et al.
    (2017), with He among the authors, do not use it."""

    momentum_form: Literal["caffe", "torch"] = "caffe"
    """Where the learning rate enters: ``caffe``, v = m v + lr g, w = w - v (the authors' framework,
    Goyal et al. (2017), equation 9, and Keras's SGD); ``torch``, v = m v + g, w = w - lr v. They
    differ after each change of the rate."""

    weight_decay: Annotated[float, Field(ge=0), UNSIGNED] = 1e-4

    weight_decay_form: Literal["coupled", "decoupled"] = "coupled"
    """``coupled``: g + wd w enters the momentum (the paper); ``decoupled``: w = w - lr wd w, apart
    from it (Keras's ``weight_decay``)."""

    weight_decay_scope: Literal["convolutions", "kernels", "all"] = "all"
    """``convolutions``: only their kernels; ``kernels``: the classifier's as well (VGG's is made of
    convolutions); ``all``: also biases and BN's scale and shift, Caffe's default. The paper does
    not say. On ImageNet, BN's scale and shift are not decayed in Goyal et al. (2017), section 5.1,
    with He among the authors, and fb.resnet.torch's README reads the paper as decaying only
    convolutions; on CIFAR-10 the sources disagree."""


OptimizerSpec = SgdSpec
"""The union of all optimizers; there is one so far."""

OptimizerField = Annotated[
    Annotated[SgdSpec, tag("sgd")], *told_by("kind", ("sgd",), lambda data: "sgd")[1:]
]
"""The field of a spec. If ``kind`` is left out, it is SGD."""
