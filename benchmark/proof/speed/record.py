"""The output of a speed benchmark: one file per case, and the table made from all of them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.proof.speed.case import Case
from benchmark.proof.speed.measure import Measured, measure
from benchmark.proof.speed.table import markdown, summary
from benchmark.records.files import read_json, write_json, write_text
from benchmark.records.provenance import machine_line

AGREEMENT_STEPS = 50
"""Steps over which losses are compared, once for each net and precision."""

_INTRODUCTION = """\
# Speed

Images trained on a second: the median over the rounds, and the least and most. The contenders of a
case are processes on one machine that took turns in a changing order. "Ours is" is our training
step's rate over the contender's in the same round: its median, least and most; for our whole run,
a run a core and our step by XLA, "this is" their rate over the step's. "Of peak" is the share of
the rate of multiply-adds (its median is the next column) that a product of two 2048 x 2048 matrices
reached in the same round, where training counts as three forward passes of the net. Memory is the
peak of the resident memory while training was timed. "Others" is the largest share of the machine
that all other processes used during a turn, time taken by the host included.

Where losses stand, the contender started from our weights: the first is that of the first of 50
steps on the same images, then follows the mean of the last ten. Contenders with other parameters or
another first loss (by 0.1 %; in bfloat16 by 2 %), or losses of the next four steps that are off by
more than a tenth, are left out. The whole run and keras.applications draw weights of their own.

Every step crops and flips its images, a batch at a time, and counts its errors. Ours also takes
each kernel's gradient norm, and speaks with the host every tenth step; PyTorch's reads each loss;
Keras's weight decay is its own, decoupled. The whole run is a run's own process code: augmentation,
scoring after every epoch (a fifth as many images as it trains on), its journal and its checkpoints;
starting up, MLflow's mirror and the display are not in it, and ResNet-50 has none. A run a core: as
many one-thread processes as there are threads, each pinned to a core, their rates added up. Every
contender may use as many cores as it has threads, no more.
CIFAR nets train on batches of 128 images, ResNet-50 on 16 of 224x224 pixels (CIFAR-10's, enlarged;
its losses are compared on 64x64). "XLA" is our step with the loop over the steps compiled. All
images are real. {devices}
"""


def run_cases(
    cases: Sequence[Case],
    folder: Path,
    *,
    rounds: int,
    seconds: float,
    again: bool,
    say: Callable[[str], None],
) -> list[Path]:
    """Measure the cases that ``folder`` has no file for, or all of them ``again``, and rewrite the
    table after each. Returns the table's files."""
    agreed: set[tuple[str, str, str]] = set()
    for case in sorted(cases, key=lambda case: -case.threads):
        file = folder / "cases" / f"{case.name.replace(' ', '_')}.json"
        first = (case.net, case.precision, case.device) not in agreed
        agreed.add((case.net, case.precision, case.device))
        if file.exists() and not again:
            say(f"{case.name}: already measured, in {file} (--again measures it again)")
            continue
        steps = AGREEMENT_STEPS if first else 0
        write_json(file, asdict(measure(case, rounds, seconds, steps, say)))
        write_table(folder)
    return write_table(folder)


def _devices(measured: Sequence[Measured]) -> str:
    if any(case.case.device == "gpu" for case in measured):
        return "Rows of a GPU say so; all others are of a CPU."
    return "Everything is of a CPU; no GPU was measured."


def write_table(folder: Path) -> list[Path]:
    """Write ``speed.md`` and ``speed.csv`` from the cases' files."""
    files = sorted((folder / "cases").glob("*.json"))
    measured = [Measured.of_json(read_json(file)) for file in files]
    table = summary(measured)
    absent = [
        f"- {case.case.name}: {name} could not be measured: {why}\n"
        for case in measured
        for name, why in case.absent.items()
    ]
    machines = dict.fromkeys(f"- {machine_line(case.environment)}\n" for case in measured)
    introduction = _INTRODUCTION.format(devices=_devices(measured))
    parts = [introduction, markdown(table), "".join(absent), "".join(machines)]
    written = [folder / "speed.md", folder / "speed.csv"]
    write_text(written[0], "\n".join(part for part in parts if part))
    table.to_csv(written[1], index=False)
    return written
