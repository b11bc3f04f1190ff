"""The paper's nets: their cost, computed and counted, next to the published numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.models.count import Cost
from benchmark.models.families import cost
from benchmark.paper import PUBLISHED
from benchmark.spec import ResNetSpec


@dataclass(frozen=True)
class Printed:
    """A number as the paper prints it, and ours in the same unit."""

    text: str
    """To the paper's precision: ``3.8``."""
    ours: float

    @property
    def difference(self) -> float:
        """Ours minus the paper's."""
        return self.ours - float(self.text)

    @property
    def agrees(self) -> bool:
        """Whether our number, rounded to the paper's precision, is the paper's number."""
        digits = len(self.text.partition(".")[2])
        return f"{self.ours:.{digits}f}" == self.text


@dataclass(frozen=True)
class AuditRow:
    """One net."""

    net: str
    spec: ResNetSpec
    arithmetic: Cost
    published_parameters: Printed | None
    """Table 6, in millions."""
    published_multiply_adds: Printed | None
    """Table 1, in billions."""

    def counted(self) -> Cost:
        """Build the net in Keras and count. ResNet-1202 takes about 15 seconds."""
        import keras

        from benchmark.models.build import build_model
        from benchmark.models.count import counted_cost

        keras.backend.clear_session()
        return counted_cost(build_model(self.spec, *_images(self.spec)))


def audit_rows() -> Iterator[AuditRow]:
    """Yield every CIFAR net of section 4.2 and every ImageNet net of table 1, with each option."""
    for stem, depths in (("cifar", (20, 32, 44, 56, 110, 1202)), ("imagenet", (18, 34))):
        for depth in depths:
            for option in ("none", "A", "B", "C"):
                yield _row(stem=stem, depth=depth, shortcut=option)
    for depth in (50, 101, 152):
        for stride in ("1x1", "3x3"):
            yield _row(stem="imagenet", depth=depth, shortcut="B", bottleneck_stride=stride)


def _images(spec: ResNetSpec) -> tuple[tuple[int, int, int], int]:
    """Return the shape of the images that a net is for, and the number of their classes."""
    return ((32, 32, 3), 10) if spec.stem == "cifar" else ((224, 224, 3), 1000)


def _row(**fields: str | int) -> AuditRow:
    spec = ResNetSpec.model_validate(fields)
    cifar = spec.stem == "cifar"
    name = f"plain-{spec.depth}" if spec.shortcut == "none" else f"ResNet-{spec.depth}"
    net = name if spec.shortcut == "none" else f"{name} {spec.shortcut}"
    # The paper's numbers are for the nets as it ran them: basic blocks with option A (section 4.1
    # for ImageNet, 4.2 for CIFAR), bottlenecks with option B and the stride on the first 1x1.
    option = "A" if spec.block == "basic" else "B"
    as_published = spec.shortcut == option and spec.bottleneck_stride != "3x3"
    if spec.bottleneck_stride == "3x3":
        net += " v1.5"
    ours = cost(spec, *_images(spec))
    parameters = f"table6/{name}/parameters" if cifar and as_published else None
    multiply_adds = f"table1/{name}/multiply_adds" if not cifar and as_published else None
    return AuditRow(
        net=f"{net} ({'CIFAR' if cifar else 'ImageNet'})",
        spec=spec,
        arithmetic=ours,
        published_parameters=_printed(parameters, ours.parameters, 1e6),
        published_multiply_adds=_printed(multiply_adds, ours.multiply_adds, 1e9),
    )


def _printed(key: str | None, ours: int, unit: float) -> Printed | None:
    return Printed(f"{PUBLISHED[key].value / unit:g}", ours / unit) if key else None
