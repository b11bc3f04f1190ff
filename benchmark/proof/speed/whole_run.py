"""This project's whole run: the code of a run's process, with its scoring and its records."""

import tempfile
import threading
import time
from pathlib import Path

from benchmark.events import Event, Kind
from benchmark.proof.speed.case import NETS, Case
from benchmark.records.store import RunFolder
from benchmark.spec import CifarSpec, PiecewiseSchedule, RunSpec, SgdSpec
from benchmark.spec.cifar import IN_MEMORY
from benchmark.worker.train import train_folder

_ENDLESS = 100_000


class WholeRun:
    """A run in its own thread, which is paused after each epoch until more work is requested."""

    def __init__(self, folder: Path, spec: RunSpec):
        self.spec = spec
        self.parameters: int | None = None
        self.iteration = 0
        self.go, self.paused = threading.Semaphore(0), threading.Semaphore(0)
        RunFolder(folder).prepare(spec)
        RunFolder(folder).begin()
        self.run = threading.Thread(target=train_folder, args=(folder, self._on_event), daemon=True)
        self.run.start()

    def losses(self, steps: int) -> list[float]:
        """Wait until the run is built. Returns no losses: its step is that of ``ours``."""
        self._wait()
        return []

    def work(self, seconds: float) -> tuple[float, float]:
        """Train whole epochs, timed from the end of one to the end of another."""
        first, started = self.iteration, time.perf_counter()
        while self.iteration == first or time.perf_counter() - started < seconds:
            self.go.release()
            self._wait()
        taken = time.perf_counter() - started
        return (self.iteration - first) * self.spec.optimizer.batch_size, taken

    def _wait(self) -> None:
        while not self.paused.acquire(timeout=1):
            if not self.run.is_alive():
                raise RuntimeError("the run ended prematurely, as reported above")

    def _on_event(self, event: Event) -> None:
        if event["event"] == Kind.BUILT:
            self.parameters = event["parameters"]
        elif event["event"] == Kind.EPOCH:
            self.iteration = event["iteration"]
        else:
            return
        self.paused.release()
        self.go.acquire()


def build(case: Case, weights: Path) -> WholeRun:
    """Build a run on the embedded images, scored every epoch, in a folder next to ``weights``."""
    return WholeRun(Path(tempfile.mkdtemp(dir=weights.parent)), spec_of(case))


def spec_of(case: Case) -> RunSpec:
    """Return the spec of a run on the images that all contenders train on."""
    net = NETS[case.net]
    images = IN_MEMORY["cifar10-subset"]
    everything = net.images == images.train_images
    per_class = None if everything else net.images // images.classes
    return RunSpec(
        dataset=CifarSpec(name="cifar10-subset", train_per_class=per_class),
        model=net.spec,
        optimizer=SgdSpec(batch_size=net.batch),
        schedule=PiecewiseSchedule(iterations=_ENDLESS, learning_rate=net.learning_rate, drops=()),
        numerics=case.numerics,
        seed=0,
    )
