"""Peer: the same net in PyTorch, channels last, eager or compiled, with autocast in bfloat16."""

import time
from pathlib import Path

import torch
from safetensors.numpy import load_file

from benchmark.speed.case import (
    LEARNING_RATE,
    MOMENTUM,
    NETS,
    WEIGHT_DECAY,
    Case,
    Net,
    images,
    normalized,
)
from benchmark.speed.torch_net import TorchNet


class TorchLoop:
    """A plain training loop on images that are already normalised, and not augmented."""

    def __init__(self, net: Net, weights: Path, *, bfloat16: bool, compiled: bool):
        self.net, self.bfloat16 = net, bfloat16
        self.model = TorchNet(net.spec, net.classes).to(memory_format=torch.channels_last)
        self._load(weights)
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.forward = torch.compile(self.model) if compiled else self.model
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
        )
        self.batches = self._batches(net.size)
        self.iteration = 0

    def losses(self, steps: int) -> list[float]:
        """On the images in their order; the weights are what they were afterwards where the
        timed images have another size."""
        same = self.net.agreement_size == self.net.size
        batches = self.batches if same else self._batches(self.net.agreement_size)
        return [self._step(*batches[i % len(batches)]) for i in range(steps)]

    def work(self, seconds: float) -> tuple[float, float]:
        """Steps, each of which waits for its loss, as a step of ours does."""
        first, started = self.iteration, time.perf_counter()
        while self.iteration == first or time.perf_counter() - started < seconds:
            self._step(*self.batches[self.iteration % len(self.batches)])
            self.iteration += 1
        return (self.iteration - first) * self.net.batch, time.perf_counter() - started

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            logits = self.forward(x)
        loss = torch.nn.functional.cross_entropy(logits.float(), y)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def _load(self, weights: Path) -> None:
        state = {name: torch.from_numpy(array) for name, array in load_file(weights).items()}
        missing, unexpected = self.model.load_state_dict(state, strict=False)
        left = [name for name in missing if not name.endswith("num_batches_tracked")]
        if left or unexpected:
            raise ValueError(f"weights must fit {self.net.spec}. Received: {left} {unexpected}")

    def _batches(self, size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        pixels, labels = images(self.net, size)
        x = torch.from_numpy(normalized(pixels)).permute(0, 3, 1, 2)
        y, count = torch.from_numpy(labels).long(), self.net.batch
        return [
            (
                x[first : first + count].contiguous(memory_format=torch.channels_last),
                y[first : first + count],
            )
            for first in range(0, self.net.images - count + 1, count)
        ]


def build(case: Case, weights: Path, *, compiled: bool) -> TorchLoop:
    """On the case's threads, in its precision."""
    torch.set_num_threads(case.threads)
    torch.manual_seed(0)
    bfloat16 = case.precision == "mixed_bfloat16"
    return TorchLoop(NETS[case.net], weights, bfloat16=bfloat16, compiled=compiled)
