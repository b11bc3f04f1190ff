"""The net of a run: the union of all families."""

from typing import Annotated

from benchmark.spec.base import tag, told_by
from benchmark.spec.net import NetSpec
from benchmark.spec.preactivation import PreactivationSpec
from benchmark.spec.resnet import ResNetSpec
from benchmark.spec.vgg import VggSpec

FAMILIES: dict[str, type[NetSpec]] = {
    "resnet": ResNetSpec,
    "preactivation-resnet": PreactivationSpec,
    "vgg": VggSpec,
}

APPLICATIONS = {
    name: fields for family in FAMILIES.values() for name, fields in family.applications.items()
}
"""Net of keras.applications -> the fields of the net that its weights fit."""

ModelSpec = ResNetSpec | PreactivationSpec | VggSpec

ModelField = Annotated[
    Annotated[ResNetSpec, tag("resnet")]
    | Annotated[PreactivationSpec, tag("preactivation-resnet")]
    | Annotated[VggSpec, tag("vgg")],
    *told_by("family", tuple(FAMILIES), lambda data: "resnet"),
]
"""The field of a spec. If ``family`` is left out, it is a ResNet or plain net."""
