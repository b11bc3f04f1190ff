"""A file system of a few MiB that is full from one of the run's writes on; then there is room."""

import random
import shutil

from benchmark.execution.local import train_run
from benchmark.storm.kills import count_points
from benchmark.storm.setting import Setting, Tries, small_disk
from benchmark.storm.subject import Subject, with_fault

_MIB = 4


def full_disk(setting: Setting) -> Tries:
    """The run fails with the reason that the disk is full, and goes on when there is room."""
    subject = Subject.trained(setting.scratch / "whole", worker=with_fault("count", 0))
    points = list(range(1, count_points(subject) + 1))
    if setting.short:
        points = random.Random(1).sample(points, 2)
    tries, told = Tries(), 0
    with small_disk(setting.scratch / "disk", _MIB) as disk:
        for point in points:
            results = disk / "results"
            folder = subject.folder(results)
            ended = train_run(subject.cell, folder, [], worker=with_fault("fill", point))
            (results / "ballast").unlink()  # It is there, or the point was not reached.
            was_full = ended[0] == "failed" and ("disk full" in ended[1] or "DiskFull" in ended[1])
            told += was_full
            problem = None if was_full or ended[0] == "finished" else f"it ended as {ended}"
            tries.add(f"point {point}", problem or subject.finish(results))
            shutil.rmtree(results)
            setting.say(f"full at point {point} of {max(points)}")
    rest = tries.tried - told
    tries.seen.append(f"{told} runs failed as the disk was full, {rest} needed no more room")
    return tries
