"""The images of a run: the union of all kinds of data sets."""

from collections.abc import Mapping
from typing import Annotated, Any

from benchmark.spec.base import tag, told_by
from benchmark.spec.boxes import BoxesSpec
from benchmark.spec.cifar import IN_MEMORY, CifarSpec
from benchmark.spec.photographs import PhotographsSpec

LabelledSpec = CifarSpec | PhotographsSpec
"""Images with one class each."""

DatasetSpec = LabelledSpec | BoxesSpec


def _implied(data: Mapping[str, Any]) -> str:
    return "cifar" if data.get("name") in tuple(IN_MEMORY) else "photographs"


DatasetField = Annotated[
    Annotated[CifarSpec, tag("cifar")]
    | Annotated[PhotographsSpec, tag("photographs")]
    | Annotated[BoxesSpec, tag("boxes")],
    *told_by("kind", ("cifar", "photographs", "boxes"), _implied),
]
"""The field of a spec. If ``kind`` is left out, the name or the run's detector implies it."""
