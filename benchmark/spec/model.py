"""Which net: the union of all families."""

from typing import Annotated

from benchmark.spec.base import tag, told_by
from benchmark.spec.resnet import ResNetSpec
from benchmark.spec.vgg import VggSpec

ModelSpec = ResNetSpec | VggSpec

ModelField = Annotated[
    Annotated[ResNetSpec, tag("resnet")] | Annotated[VggSpec, tag("vgg")],
    *told_by("family", ("resnet", "vgg"), lambda data: "resnet"),
]
"""In a spec; a ResNet or plain net where ``family`` is left out."""
