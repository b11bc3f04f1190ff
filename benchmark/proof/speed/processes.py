"""What a process and its children use (Linux)."""

from pathlib import Path

import psutil


def cpu_s(process: int) -> float:
    """What it and its descendants have used, in CPU seconds."""
    times = [one.cpu_times() for one in family(process)]
    return sum(each.user + each.system for each in times)


def machine_cpu_s() -> float:
    """What all processes have used, in CPU seconds, time that the host took included."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq + times.steal


def peak_memory_mib(process: int) -> float:
    """The sum of the peaks of its and its descendants' resident memory since ``reset_peak``."""
    peak = 0
    for one in family(process):
        lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
        peak += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return peak / 1024


def reset_peak(process: int) -> None:
    """Peaks count from now."""
    for one in family(process):
        Path(f"/proc/{one.pid}/clear_refs").write_text("5")


def family(process: int) -> list[psutil.Process]:
    """A process, and those that it and its descendants started, the outermost first."""
    root = psutil.Process(process)
    return [root, *root.children(recursive=True)]
