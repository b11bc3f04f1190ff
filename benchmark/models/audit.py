"""The nets of the paper, their cost by arithmetic and by counting, beside what it published."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.models.count import Cost, cost
from benchmark.paper import PUBLISHED
from benchmark.spec import ModelSpec


@dataclass(frozen=True)
class AuditRow:
    """One net."""

    net: str
    spec: ModelSpec
    arithmetic: Cost
    published_parameters: float | None
    """Table 6."""
    published_multiply_adds: float | None
    """Table 1."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Of the images that the net is for."""
        return (32, 32, 3) if self.spec.stem == "cifar" else (224, 224, 3)

    @property
    def classes(self) -> int:
        """Of the data set that the net is for."""
        return 10 if self.spec.stem == "cifar" else 1000

    def counted(self) -> Cost:
        """Build the net in Keras and count. ResNet-1202 takes about a quarter of a minute."""
        import keras

        from benchmark.models.counting import counted_cost
        from benchmark.models.resnet import build_model

        keras.backend.clear_session()
        return counted_cost(build_model(self.spec, self.input_shape, self.classes))


def audit_rows() -> Iterator[AuditRow]:
    """Every CIFAR net of section 4.2 and every ImageNet net of table 1, with each option."""
    for depth in (20, 32, 44, 56, 110, 1202):
        for option in ("none", "A", "B", "C"):
            yield _row(_net("cifar", depth, option))
    for depth in (18, 34):
        for option in ("none", "A", "B", "C"):
            yield _row(_net("imagenet", depth, option))
    for depth in (50, 101, 152):
        for stride in ("1x1", "3x3"):
            yield _row(_net("imagenet", depth, "B", bottleneck_stride=stride))


def _net(stem: str, depth: int, shortcut: str, **others: str) -> ModelSpec:
    fields = {"stem": stem, "depth": depth, "shortcut": shortcut, **others}
    return ModelSpec.model_validate(fields)


def _row(spec: ModelSpec) -> AuditRow:
    cifar = spec.stem == "cifar"
    shape, classes = ((32, 32, 3), 10) if cifar else ((224, 224, 3), 1000)
    name = f"plain-{spec.depth}" if spec.shortcut == "none" else f"ResNet-{spec.depth}"
    net = name if spec.shortcut == "none" else f"{name} {spec.shortcut}"
    # The paper's numbers are for the nets as it ran them: option A on CIFAR; on ImageNet any
    # option, at the precision of the table; bottlenecks with the stride on the first 1x1.
    as_published = spec.bottleneck_stride != "3x3" and (not cifar or spec.shortcut == "A")
    if spec.bottleneck_stride == "3x3":
        net += " v1.5"
    return AuditRow(
        net=f"{net} ({'CIFAR' if cifar else 'ImageNet'})",
        spec=spec,
        arithmetic=cost(spec, shape, classes),
        published_parameters=_published(6, name, "parameters") if as_published else None,
        published_multiply_adds=_published(1, name, "multiply_adds") if as_published else None,
    )


def _published(table: int, row: str, column: str) -> float | None:
    number = PUBLISHED.get(f"table{table}/{row}/{column}")
    return number.value if number else None
