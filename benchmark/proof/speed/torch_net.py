"""The same nets written in PyTorch, with the names used in its state dicts."""

import torch
from torch import Tensor, nn

from benchmark.models.layout import Block, blocks, stem_convolution
from benchmark.spec import ResNetSpec


class ZeroPad(nn.Module):
    """Option A: subsample, and add zero channels before and after."""

    def __init__(self, stride: int, before: int, after: int):
        super().__init__()
        self.stride, self.sides = stride, (0, 0, 0, 0, before, after)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width)."""
        return nn.functional.pad(x[:, :, :: self.stride, :: self.stride], self.sides)


class Residual(nn.Module):
    """A block of any net of ``ResNetSpec`` with batch normalization."""

    def __init__(self, spec: ResNetSpec, block: Block):
        super().__init__()
        self.count = len(block.convolutions)
        self.plain = block.shortcut == "none"
        for number, plan in enumerate(block.convolutions, start=1):
            convolution = nn.Conv2d(
                plan.in_channels,
                plan.out_channels,
                plan.kernel,
                plan.stride,
                plan.kernel // 2,
                bias=spec.conv_bias,
            )
            setattr(self, f"conv{number}", convolution)
            setattr(self, f"bn{number}", nn.BatchNorm2d(plan.out_channels))
        self.shortcut = self._shortcut(spec, block)

    def _shortcut(self, spec: ResNetSpec, block: Block) -> nn.Module:
        if block.shortcut == "projection":
            return nn.Sequential(
                nn.Conv2d(block.in_channels, block.out_channels, 1, block.stride, bias=False),
                nn.BatchNorm2d(block.out_channels),
            )
        if block.shortcut == "zero_pad":
            gained = block.out_channels - block.in_channels
            before = gained // 2 if spec.zero_pad == "both" else 0
            return ZeroPad(block.stride, before, gained - before)
        return nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width)."""
        y = x
        for number in range(1, self.count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            y = torch.relu(y) if number < self.count else y
        return torch.relu(y if self.plain else y + self.shortcut(x))


class TorchNet(nn.Module):
    """``build_model``'s net: images (batch, 3, height, width) to logits.

    Its parameters have the names of ``benchmark.models.reference_weights``.
    """

    def __init__(self, spec: ResNetSpec, num_classes: int):
        super().__init__()
        stem = stem_convolution(spec, 3)
        self.pooled = spec.stem == "imagenet"
        self.conv1 = nn.Conv2d(
            3, stem.out_channels, stem.kernel, stem.stride, stem.kernel // 2, bias=spec.conv_bias
        )
        self.bn1 = nn.BatchNorm2d(stem.out_channels)
        stages: dict[int, list[nn.Module]] = {}
        for block in blocks(spec):
            stages.setdefault(block.stage, []).append(Residual(spec, block))
        self.stages = len(stages)
        for stage, made in stages.items():
            setattr(self, f"layer{stage}", nn.Sequential(*made))
        self.linear = nn.Linear(block.out_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, 3, height, width) to logits."""
        x = torch.relu(self.bn1(self.conv1(x)))
        x = nn.functional.max_pool2d(x, 3, 2, 1) if self.pooled else x
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.linear(x.mean((2, 3)))
