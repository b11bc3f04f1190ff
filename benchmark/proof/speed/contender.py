"""The process of one contender.

``python -m benchmark.proof.speed.contender NAME CASE WEIGHTS STEPS``

It builds its net and trains some steps so that its losses can be compared. It then answers each
line on standard input (a number of seconds) by training for about that long and writing one line of
JSON: the work done, the seconds taken and the peak memory.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, Protocol

from benchmark.proof.speed.case import NETS, Case
from benchmark.proof.speed.processes import peak_memory_mib, reset_peak
from benchmark.worker.main import claim_stdout

FLOOR, OURS, WHOLE_RUN = "matrix product", "ours", "ours, whole run"
XLA = "ours, XLA"
PACKED = "ours, a run a core"

CONTENDERS: dict[str, tuple[str, dict[str, Any]]] = {
    FLOOR: ("floor", {}),
    OURS: ("ours", {"xla": False}),
    XLA: ("ours", {"xla": True}),
    WHOLE_RUN: ("whole_run", {}),
    PACKED: ("packed", {}),
    "Keras fit": ("keras_fit", {"application": False}),
    "keras.applications fit": ("keras_fit", {"application": True}),
    "PyTorch eager": ("torch_loop", {"compiled": False}),
    "PyTorch compile": ("torch_loop", {"compiled": True}),
}
"""Name -> module of this package, and the arguments of its ``build`` besides case and weights."""


class Contender(Protocol):
    """What is measured."""

    parameters: int | None
    """Trainable parameters of its net; None for the floor, which has none."""

    def losses(self, steps: int) -> list[float]:
        """Return the losses of its first steps, on the images in order and not augmented; empty if
        it does not start from the given weights."""

    def work(self, seconds: float) -> tuple[float, float]:
        """Work for about ``seconds``. Returns images trained on (for the floor, multiply-adds)
        and the seconds taken."""


def contenders(case: Case) -> list[str]:
    """Return the names of a case's contenders."""
    imagenet = NETS[case.net].spec.stem == "imagenet"
    absent = {WHOLE_RUN} if imagenet else {"keras.applications fit"}
    if case.threads == 1 or imagenet or case.device == "gpu":
        absent.add(PACKED)  # That many large nets would not fit in memory at once.
    if imagenet and case.device == "cpu":
        absent.add(XLA)  # Nor would what XLA keeps in memory there.
    return [name for name in CONTENDERS if name not in absent]


def main(name: str, case: Case, weights: Path, steps: int) -> None:
    """Serve one contender until standard input ends, on as many cores as the case has threads, and
    for a CPU case without any GPU."""
    replies = claim_stdout()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: case.threads])

    def reply(**facts: Any) -> None:
        print(json.dumps(facts), file=replies, flush=True)

    module, arguments = CONTENDERS[name]
    build = importlib.import_module(f"benchmark.proof.speed.{module}").build
    contender: Contender = build(case, weights, **arguments)
    losses = contender.losses(steps)
    reply(parameters=contender.parameters, losses=losses)
    reset_peak(os.getpid())
    for line in sys.stdin:
        amount, seconds = contender.work(float(line))
        reply(amount=amount, seconds=seconds, peak_memory_mib=peak_memory_mib(os.getpid()))


if __name__ == "__main__":
    main(sys.argv[1], Case(**json.loads(sys.argv[2])), Path(sys.argv[3]), int(sys.argv[4]))
