"""Flip bits in a checkpoint, and truncate its files: is it noticed, and the previous one used?"""

import random
from pathlib import Path

from benchmark.proof.storm.setting import Setting, Tries
from benchmark.proof.storm.small_runs import RESNET20, SMALL, plan_of
from benchmark.records.checkpoint import Checkpoints
from benchmark.records.store import Store
from benchmark.scheduling.attempt import train_run

_KIB = 1024


def damage(setting: Setting) -> Tries:
    """Flip single bits at random places of the newest checkpoint of a ResNet-20; truncate its files
    at every KiB, and delete them."""
    plan = plan_of(setting.scratch, SMALL if setting.short else RESNET20)
    folder = Store(setting.scratch / "results").run(plan.cells[0])
    train_run(plan.cells[0], folder, epochs=2)
    checkpoints = Checkpoints(folder.checkpoints)
    before, newest = sorted(folder.checkpoints.iterdir())
    files = {path: path.read_bytes() for path in sorted(newest.iterdir())}
    tries = Tries()

    def see(name: str) -> None:
        refused: list[str] = []
        found = checkpoints.newest(refused.append)
        seen = found is not None and found.name == before.name and len(refused) == 1
        tries.add(name, None if seen else f"it went unseen: {found and found.name}, {refused}")

    def put(path: Path, data: bytes) -> None:
        path.write_bytes(data)
        see(f"{path.name}, {len(data)} bytes")
        path.write_bytes(files[path])

    rng, flips = random.Random(0), setting.size(1000, 50)
    for _ in range(flips):
        path = rng.choices(list(files), [len(data) for data in files.values()])[0]
        broken = bytearray(files[path])
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        put(path, bytes(broken))
    cuts = [(path, cut) for path, data in files.items() for cut in range(0, len(data), _KIB)]
    for path, cut in cuts:
        put(path, files[path][:cut])
    for path in files:
        path.unlink()
        see(f"{path.name} absent")
        path.write_bytes(files[path])
    whole = checkpoints.newest(lambda why: None)
    tries.add("whole again", None if whole and whole.name == newest.name else "it is refused")
    size = sum(map(len, files.values())) / _KIB
    tries.seen.append(f"{flips} flipped bits, {len(cuts)} cuts, {len(files)} absent files")
    tries.seen.append(f"of a checkpoint of {size:,.0f} KiB; {len(tries.failures)} silent")
    return tries
