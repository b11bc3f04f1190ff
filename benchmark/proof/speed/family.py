"""What a process and its children use (Linux)."""

import os
from collections.abc import Iterator
from pathlib import Path


def cpu_s(process: int) -> float:
    """What it and its descendants have used, in CPU seconds."""
    ticks = 0
    for one in family(process):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def machine_cpu_s() -> float:
    """What all processes have used, in CPU seconds, time that the host took included."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _wait, irq, soft_irq, steal = fields
    return (user + nice + system + irq + soft_irq + steal) / os.sysconf("SC_CLK_TCK")


def peak_memory_mib(process: int) -> float:
    """The sum of the peaks of its and its descendants' resident memory since ``reset_peak``."""
    peak = 0
    for one in family(process):
        lines = Path(f"/proc/{one}/status").read_text().splitlines()
        peak += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return peak / 1024


def reset_peak(process: int) -> None:
    """Peaks count from now."""
    for one in family(process):
        Path(f"/proc/{one}/clear_refs").write_text("5")


def family(process: int) -> Iterator[int]:
    """A process, and those that it and its descendants started, the outermost first."""
    yield process
    for thread in Path(f"/proc/{process}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from family(int(child))
