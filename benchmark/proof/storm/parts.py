"""The parts of the storm, and the table of their results."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.proof.storm.damage import damage
from benchmark.proof.storm.full_disk import full_disk
from benchmark.proof.storm.kills import kills_at_random, kills_at_writes
from benchmark.proof.storm.machines import machines
from benchmark.proof.storm.replays import replays
from benchmark.proof.storm.setting import NotHere, Setting, Tries
from benchmark.proof.storm.sharing import sharing
from benchmark.proof.storm.suite_files import suite_files
from benchmark.proof.storm.tracking import tracking
from benchmark.records.files import read_json, write_json, write_text
from benchmark.records.problems import one_line
from benchmark.records.provenance import machine_line, provenance

PARTS: dict[str, tuple[Callable[[Setting], Tries], str]] = {
    "kills-at-writes": (
        kills_at_writes,
        "SIGKILL of a run's worker, and of the runner, at each of its writes, flushes, renames and "
        "deletions, then the run goes on: rows, weights and files as if nothing had been",
    ),
    "kills-at-random": (
        kills_at_random,
        "SIGKILL of the runner or the worker at random times, then the same; no process is left "
        "after 10 s",
    ),
    "damage": (
        damage,
        "a checkpoint with a flipped bit, cut off at a KiB, or with a file missing is refused, "
        "and the one before is used",
    ),
    "full-disk": (
        full_disk,
        "a file system of 4 MiB is full from one of the worker's writes on: the run fails with "
        "that reason, and goes on when there is room",
    ),
    "mlflow": (
        tracking,
        "MLflow works, is absent, answers 500, hangs, is killed, or its disk is full: the run "
        "finishes, the user is told, three syncs leave the journal's rows; cost to training",
    ),
    "sharing": (sharing, "runners that are started at once on one results folder"),
    "machines": (
        machines,
        "machines on one results folder: begun at once; one that died or stood still loses its run "
        "when the lease has expired, and changes nothing when it wakes",
    ),
    "suite-files": (
        suite_files,
        "suite files changed at random are planned, or refused with exit code 2; nothing is "
        "written",
    ),
    "replays": (replays, "the quickstart's runs, trained again: bit for bit the same"),
}
"""Name -> the function that does it, and what a try is."""

_INTRODUCTION = """\
# The storm

What may happen to a machine, done on purpose to real runs (very small nets on real CIFAR-10
images; for MLflow and the damaged checkpoint ResNet-20), and counted. `resnet-bench prove storm`
makes this table.

"""


def run_parts(
    names: Sequence[str],
    folder: Path,
    suites: Path,
    plan: Callable[[Path, Path], None],
    *,
    short: bool,
    again: bool,
    say: Callable[[str], None],
) -> bool:
    """Try the parts that ``folder`` has no file for, or all of them ``again``, and write the table
    after each. Returns whether every try passed."""
    for name in names:
        file = folder / "parts" / f"{name}.json"
        if file.exists() and not again and read_json(file)["tried"]:
            say(f"{name}: already done, in {file} (--again does it again)")
            continue
        say(f"{name}: {PARTS[name][1]}")
        scratch = Path(tempfile.mkdtemp(prefix="storm-")).resolve()
        write_json(file, _tried(name, Setting(scratch, suites, plan, short, say)))
        write_table(folder)
    done = [read_json(folder / "parts" / f"{name}.json") for name in names]
    return all(part["passed"] == part["tried"] for part in done)


def write_table(folder: Path) -> Path:
    """Write ``storm.md`` from the parts' files."""
    lines = [
        "| part | what is tried | passed | tries | seen | minutes |",
        "|---|---|---:|---:|---|---:|",
    ]
    failures: list[str] = []
    machines: dict[str, None] = {}
    for name, (_, what) in PARTS.items():
        part = read_json(folder / "parts" / f"{name}.json")
        if part is None:
            continue
        seen = "; ".join(part["seen"])
        count = f"{part['passed']:,} | {part['tried']:,}"
        lines.append(f"| {name} | {what} | {count} | {seen} | {part['seconds'] / 60:.1f} |")
        failures += [f"- {name}, {failure}\n" for failure in part["failures"]]
        machines[machine_line(part["environment"])] = None
    tail = "\n".join(["", *(f"- {line}" for line in machines), *failures])
    path = folder / "storm.md"
    write_text(path, _INTRODUCTION + "\n".join(lines) + "\n" + tail + "\n")
    return path


def _tried(name: str, setting: Setting) -> dict[str, Any]:
    say, started = setting.say, time.monotonic()
    try:
        tries = PARTS[name][0](replace(setting, say=lambda text: say(f"  {text}")))
    except NotHere as why:
        tries = Tries(seen=[f"not tried: {why}"])
    except Exception as error:
        tries = Tries(failures=[f"it ended before its time: {one_line(error)}"])
    if tries.failures:
        say(f"{name}: the files of the tries are kept in {setting.scratch}")
    else:
        shutil.rmtree(setting.scratch, ignore_errors=True)
    say(f"{name}: {tries.passed} of {tries.tried} passed; {'; '.join(tries.seen)}")
    for failure in tries.failures[:20]:
        say(f"  {failure[:1000]}")
    return {
        "passed": tries.passed,
        "tried": tries.tried,
        "failures": tries.failures[:20],
        "seen": tries.seen,
        "short": setting.short,
        "seconds": time.monotonic() - started,
        "environment": provenance(),
    }
