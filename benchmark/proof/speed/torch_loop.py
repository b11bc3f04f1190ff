"""Peer: the same net in PyTorch, channels last, eager or compiled, with autocast in bfloat16."""

import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from benchmark.data.order import PADDING
from benchmark.proof.speed.case import (
    MOMENTUM,
    NETS,
    WEIGHT_DECAY,
    Case,
    Net,
    images,
    normalized,
)
from benchmark.proof.speed.torch_net import TorchNet


class TorchLoop:
    """A plain training loop on resident images, cropped and flipped one batch at a time."""

    def __init__(
        self, net: Net, weights: Path, *, bfloat16: bool, compiled: bool, device: str = "cpu"
    ):
        self.net, self.bfloat16, self.device = net, bfloat16, device
        self.model = TorchNet(net.spec, net.classes).to(device)
        self.model.to(memory_format=torch.channels_last)
        self.model.load_state_dict(load_file(weights))
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.forward = torch.compile(self.model, dynamic=False) if compiled else self.model
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), net.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY
        )
        self.x, self.y = self._images(net.size)
        self.iteration = 0

    def losses(self, steps: int) -> list[float]:
        """Train on the images in order."""
        same = self.net.agreement_size == self.net.size
        x, y = (self.x, self.y) if same else self._images(self.net.agreement_size)
        losses = []
        for step in range(steps):
            rows = torch.arange(step * self.net.batch, (step + 1) * self.net.batch)
            rows %= self.net.images
            losses.append(self._step(x[rows], y[rows])[0])
        return losses

    def work(self, seconds: float) -> tuple[float, float]:
        """Train steps, reading the loss and the errors of each."""
        first, started = self.iteration, time.perf_counter()
        while self.iteration == first or time.perf_counter() - started < seconds:
            rows = torch.randint(self.net.images, (self.net.batch,), device=self.device)
            self._step(_augmented(self.x[rows]), self.y[rows])
            self.iteration += 1
        return (self.iteration - first) * self.net.batch, time.perf_counter() - started

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> tuple[float, int]:
        self.optimizer.zero_grad(set_to_none=True)
        images = x.permute(0, 3, 1, 2)  # (batch, channels, height, width), channels last.
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bfloat16):
            logits = self.forward(images)
        loss = torch.nn.functional.cross_entropy(logits.float(), y)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach()), int((logits.argmax(1) != y).sum())

    def _images(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return normalized images (n, height, width, channels), and labels."""
        pixels, labels = images(self.net, size)
        x, y = torch.from_numpy(normalized(pixels)), torch.from_numpy(labels).long()
        return x.to(self.device), y.to(self.device)


def _augmented(x: torch.Tensor) -> torch.Tensor:
    """Pad, crop and flip each image of (batch, height, width, channels)."""
    count, height, width, _ = x.shape
    sides = (0, 0, PADDING, PADDING, PADDING, PADDING)
    padded = torch.nn.functional.pad(x, sides)
    on = x.device
    corner = torch.randint(2 * PADDING + 1, (2, count, 1), device=on)
    across = torch.arange(width, device=on).expand(count, width)
    across = torch.where(torch.rand(count, 1, device=on) < 0.5, width - 1 - across, across)
    rows = corner[0] + torch.arange(height, device=on)
    columns = corner[1] + across
    which = torch.arange(count, device=on)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]]


def build(case: Case, weights: Path, *, compiled: bool) -> TorchLoop:
    """Build it on the case's threads, in its precision."""
    torch.set_num_threads(case.threads)
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = False  # As in our step, float32 is not TF32.
    bfloat16 = case.precision == "mixed_bfloat16"
    device = "cuda" if case.device == "gpu" else "cpu"
    return TorchLoop(NETS[case.net], weights, bfloat16=bfloat16, compiled=compiled, device=device)
