"""Training with records: the journal, checkpoints and result in one run's folder."""

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.events import Event, Kind
from benchmark.records.checkpoint import Checkpoint, Checkpoints
from benchmark.records.comparison import differences
from benchmark.records.detection_images import save_shown
from benchmark.records.files import write_bytes, write_json, write_text
from benchmark.records.journal import Journal
from benchmark.records.provenance import provenance
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder
from benchmark.spec import RunSpec
from benchmark.spec.recipe import recipe
from benchmark.status import Status
from benchmark.worker.failure import BUILDING, LOADING
from benchmark.worker.gpu_lease import gpu_memory_mib

if TYPE_CHECKING:
    from benchmark.training.state import State


def train_folder(
    path: Path,
    tell: Callable[[Event], None],
    stop: Callable[[], bool] = lambda: False,
    before_writing: Callable[[], object] = lambda: None,
) -> None:
    """Train the run in a folder, write its records, and ``tell`` each event. When ``stop`` returns
    true, training is interrupted, and can resume from there. ``before_writing`` is called before
    each record is written."""
    _Recorded(RunFolder(path), tell, before_writing).train(stop)


class _Recorded:
    def __init__(
        self,
        folder: RunFolder,
        tell: Callable[[Event], None],
        before_writing: Callable[[], object],
    ):
        self.began = time.monotonic()
        self.folder, self.tell, self.before_writing = folder, tell, before_writing
        self.spec = RunSpec.model_validate(folder.spec())
        self.journal, self.checkpoints = Journal(folder.journal), Checkpoints(folder.checkpoints)
        self.provenance = provenance() | {"recipe": recipe(self.spec)}
        self.dataset: Event = {}
        self.curves: list[Event] = []
        """The row of each epoch so far."""
        self.before_s = 0.0
        """Wall time of the attempts that this one continues."""
        self.kept: int | None = None
        """Iteration of the last checkpoint."""
        write_json(folder.path / "provenance.json", self.provenance)

    def train(self, stop: Callable[[], bool]) -> None:
        from safetensors.numpy import save as serialized

        from benchmark.data import sources
        from benchmark.evaluation.boxes.detections import to_json
        from benchmark.training import process
        from benchmark.training.detection import Detection
        from benchmark.training.loop import train
        from benchmark.training.state import State
        from benchmark.training.weights import weight_arrays
        from benchmark.worker.detection_images import first_shown
        from benchmark.worker.pretrained import pretrained_of

        process.configure(self.spec.numerics, self.spec.seed, gpu_memory_mib())
        self.peak_gpu_memory_mib = process.peak_gpu_memory_mib
        self.tell({"event": Kind.PHASE, "phase": LOADING})
        images = sources.load(self.spec.dataset)
        pretrained = pretrained_of(self.spec, self.folder.runs)
        found = self._found()
        resume = State(found.counters, found.arrays) if found else None
        self.dataset = {
            "dataset_sha256": images.sha256,
            "dataset": {"checked": images.checked, **images.noted},
        }
        self.tell({"event": Kind.PHASE, "phase": BUILDING})
        trained = train(
            self.spec,
            images,
            self._on_event,
            pretrained=pretrained,
            resume=resume,
            keep=self._keep,
            stop=stop,
        )
        if trained.status == Status.INTERRUPTED:
            self._end(trained.status, "asked to stop; it goes on where it was")
            return
        task = trained.task
        self.before_writing()
        if isinstance(task, Detection):
            write_text(self.folder.detections, to_json(task.detections))
            save_shown(self.folder, first_shown(task.found))
        write_bytes(self.folder.preprocessing, serialized(task.normalization.arrays()))
        write_bytes(self.folder.weights, serialized(weight_arrays(task.model)))
        self._end(trained.status)
        self.checkpoints.clear()

    def _on_event(self, event: Event) -> None:
        if event["event"] == Kind.BUILT:
            event |= self.dataset
        if event["event"] == Kind.END:
            event["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            event["peak_gpu_memory_mib"] = self.peak_gpu_memory_mib()
        if event["event"] != Kind.PROGRESS:
            self.before_writing()
            event = self.journal.append(event)
        if event["event"] == Kind.EPOCH:
            self.curves.append(event)
        self.tell(event)

    def _found(self) -> Checkpoint | None:
        """Return the checkpoint to resume from. Its curves are written to this attempt's journal,
        so that nothing depends on the journal's earlier content."""
        found = self.checkpoints.newest(
            lambda why: self._on_event({"event": Kind.REFUSED, "reason": why})
        )
        if found is None:
            if self.folder.attempts() > 1:
                self._on_event({"event": Kind.ANEW})
            return None
        self.checkpoints.delete_newer(found)
        self.before_s = found.counters.pop("wall_time_s")
        there = found.counters.pop("provenance")
        self.kept = found.counters["iteration"]
        self._on_event(
            {
                "event": Kind.RESUME,
                "epoch": found.counters["epoch"],
                "iteration": found.counters["iteration"],
                "wall_time_s": self.before_s,
                "differs": [str(each) for each in differences(there, self.provenance)],
            }
        )
        self.curves = [self.journal.restore(row) for row in found.curves]
        return found

    def _keep(self, state: "State") -> None:
        if state.counters["iteration"] == self.kept:
            return
        self.before_writing()
        wall_time = self.before_s + time.monotonic() - self.began
        own = {"wall_time_s": wall_time, "provenance": self.provenance}
        self.checkpoints.save({**state.counters, **own}, state.arrays, self.curves)
        self.kept = state.counters["iteration"]

    def _end(self, status: str, reason: str = "") -> None:
        self.before_writing()
        self.folder.end(summarize(self.folder.events(), status, reason))
