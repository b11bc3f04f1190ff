"""The layout of a residual net: its blocks, their shortcuts and the names of its layers. The net is
built elsewhere.

``stem_conv`` and ``stem_bn``, ``stage1_block1_conv1`` and ``stage1_block1_bn1``,
``stage2_block1_projection_conv`` and ``stage2_block1_projection_bn``; ``classifier`` and, with
``head_classes``, ``new_classifier`` after it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from benchmark.spec import ResidualSpec
from benchmark.spec.resnet import EXPANSION


@dataclass(frozen=True)
class Convolution:
    """One convolution of a residual branch; the padding keeps ``size / stride`` pixels."""

    kernel: int
    stride: int
    in_channels: int
    out_channels: int


@dataclass(frozen=True)
class Block:
    """A residual branch and its shortcut."""

    stage: int
    """Counted from 1."""
    index: int
    """Within the stage, from 1."""
    convolutions: tuple[Convolution, ...]
    shortcut: str
    """``none``, ``identity``, ``zero_pad`` or ``projection``."""

    @property
    def name(self) -> str:
        """``stage1_block1``."""
        return f"stage{self.stage}_block{self.index}"

    @property
    def in_channels(self) -> int:
        """Channels of the block's input."""
        return self.convolutions[0].in_channels

    @property
    def out_channels(self) -> int:
        """Channels of the block's output."""
        return self.convolutions[-1].out_channels

    @property
    def stride(self) -> int:
        """The factor by which the block divides height and width."""
        return max(convolution.stride for convolution in self.convolutions)


class Part(NamedTuple):
    """The parts of the name of a block's layer."""

    stage: int
    block: int
    part: str
    """``conv1``, ``projection_bn``."""

    @classmethod
    def of(cls, layer: str) -> "Part | None":
        """Parse a layer's name; None if the layer is not in a block."""
        match = re.fullmatch(r"stage(\d+)_block(\d+)_(\w+)", layer)
        return cls(int(match[1]), int(match[2]), match[3]) if match else None


def norm_name(convolution: str) -> str:
    """Return the name of a convolution's batch normalisation."""
    return convolution.replace("conv", "bn")


def stage_prefixes(stages: int) -> tuple[str, ...]:
    """Return the prefixes of the layers' names in conv1 and in the first ``stages``."""
    return ("stem_", *(f"stage{stage}_" for stage in range(1, stages + 1)))


def convolution_names(spec: ResidualSpec) -> Iterator[str]:
    """Yield the names of all convolutions except projections, from first to last."""
    yield "stem_conv"
    for block in blocks(spec):
        yield from (f"{block.name}_conv{n + 1}" for n in range(len(block.convolutions)))


def shortcut_kind(option: str, *, changes_shape: bool) -> str:
    """Return the kind of a block's shortcut (paper, section 3.3 and table 3)."""
    if option == "none":
        return "none"
    if option == "C" or (option == "B" and changes_shape):
        return "projection"
    return "zero_pad" if changes_shape else "identity"


def blocks(spec: ResidualSpec) -> Iterator[Block]:
    """Yield the blocks in order. Each stage but the first starts with stride 2 (table 1)."""
    channels = spec.stage_widths[0]
    stages = zip(spec.stage_blocks, spec.stage_widths, strict=True)
    for stage, (count, width) in enumerate(stages, start=1):
        out = width * EXPANSION[spec.block]
        for index in range(1, count + 1):
            stride = 2 if stage > 1 and index == 1 else 1
            kind = shortcut_kind(spec.shortcut, changes_shape=stride > 1 or channels != out)
            yield Block(stage, index, _branch(spec, channels, width, stride), kind)
            channels = out


def stem_convolution(spec: ResidualSpec, image_channels: int) -> Convolution:
    """Return the first convolution."""
    width = spec.stage_widths[0]
    if spec.stem == "cifar":
        return Convolution(3, 1, image_channels, width)
    return Convolution(7, 2, image_channels, width)


def _branch(spec: ResidualSpec, channels: int, width: int, stride: int) -> tuple[Convolution, ...]:
    if spec.block == "single":
        return (Convolution(3, stride, channels, width),)
    if spec.block == "basic":
        return (Convolution(3, stride, channels, width), Convolution(3, 1, width, width))
    first, second = (stride, 1) if spec.bottleneck_stride == "1x1" else (1, stride)
    return (
        Convolution(1, first, channels, width),
        Convolution(3, second, width, width),
        Convolution(1, 1, width, width * EXPANSION["bottleneck"]),
    )
