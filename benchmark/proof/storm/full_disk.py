"""A file system of a few MiB that fills up at one of the run's writes, and is then freed."""

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmark.proof.storm.fault import BALLAST, WRITE
from benchmark.proof.storm.setting import Setting, Tries, small_disk
from benchmark.proof.storm.small_runs import Subject, with_fault
from benchmark.scheduling.attempt import train_run

_MIB, _AT_ONCE = 4, 2


def full_disk(setting: Setting) -> Tries:
    """Check that the run fails, reporting a full disk, and continues once there is room."""
    subject = Subject.trained(setting.scratch / "whole", worker=with_fault("count", 0))
    points = [number for number, kind in enumerate(subject.points(), 1) if kind == WRITE]
    if setting.short:
        points = random.Random(1).sample(points, 2)
    tries, told = Tries(), 0

    def on_a_disk(number: int) -> list[tuple[str, bool, str | None]]:
        with small_disk(setting.scratch / f"disk-{number}", _MIB) as disk:
            return [_filled(subject, disk, point) for point in points[number::_AT_ONCE]]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for outcomes in pool.map(on_a_disk, range(_AT_ONCE)):
            for name, was_told, problem in outcomes:
                told += was_told
                tries.add(name, problem)
    rest = tries.tried - told
    tries.seen.append(f"{told} runs failed as the disk was full, {rest} needed no more room")
    return tries


def _filled(subject: Subject, disk: Path, point: int) -> tuple[str, bool, str | None]:
    """Return the try's name, whether the run failed for lack of room, and what is wrong."""
    results = disk / "results"
    ended = train_run(subject.cell, subject.folder(results), worker=with_fault("fill", point))
    (disk / BALLAST).unlink()  # It exists, or the point was not reached.
    told = ended[0] == "failed" and "disk full" in ended[1]
    problem = None if told or ended[0] == "finished" else f"it ended as {ended}"
    problem = problem or subject.finish(results)
    shutil.rmtree(results)
    return f"point {point}", told, problem
