"""The interface of the families of nets, by the ``family`` of a spec.

A family's ``cost`` has, without Keras:

- ``cost(spec, input_shape, dense)``: its ``Cost``; ``dense``: the units of its classifiers;
- ``backbone_cost(spec, input_shape, size)``: its ``BackboneCost`` under a detector.

Its ``net``, with Keras:

- ``build(spec, input_shape, num_classes, head_classes, window)``: see ``build_model``;
- ``folded(spec, model, build)``: ``model`` with its batch normalisation folded into convolutions,
  built by ``build``, which takes a spec, and in the form of ``inference_model``; else None;
- ``backbone(spec)``: its ``Backbone``;
- ``responding_layers(spec)``: a convolution's name -> the layer whose outputs are its responses;
- ``application_weights(net)``: the weights of a net of keras.applications, by the paths of the same
  net of the family or, without ``BY_PATH``, by the names that ``load_reference_weights`` takes.
"""

from types import ModuleType

from benchmark.models.count import Cost, InputSize
from benchmark.models.preactivation import cost as preactivation_cost
from benchmark.models.resnet import cost as resnet_cost
from benchmark.models.vgg import cost as vgg_cost
from benchmark.spec import NetSpec


def cost_of(spec: NetSpec) -> ModuleType:
    """Return the module of a spec's family that does not need Keras."""
    return {
        "resnet": resnet_cost,
        "preactivation-resnet": preactivation_cost,
        "vgg": vgg_cost,
    }[spec.family]


def cost(
    spec: NetSpec, input_shape: InputSize, num_classes: int, head_classes: int | None = None
) -> Cost:
    """Return the cost of ``build_model`` with the same arguments, without building the net."""
    return cost_of(spec).cost(spec, input_shape, (*filter(None, (head_classes,)), num_classes))


def net_of(spec: NetSpec) -> ModuleType:
    """Return the module of a spec's family that needs Keras."""
    from benchmark.models.preactivation import net as preactivation
    from benchmark.models.resnet import net as resnet
    from benchmark.models.vgg import net as vgg

    return {"resnet": resnet, "preactivation-resnet": preactivation, "vgg": vgg}[spec.family]
