"""Resources that a process and its children use (Linux)."""

from pathlib import Path

import psutil


def cpu_s(process: int) -> float:
    """Return the CPU seconds used by a process and its descendants."""
    times = [one.cpu_times() for one in family(process)]
    return sum(each.user + each.system for each in times)


def machine_cpu_s() -> float:
    """Return the CPU seconds used by all processes, including time stolen by the host."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq + times.steal


def peak_memory_mib(process: int) -> float:
    """Return the sum of peak resident memory over it and its descendants since ``reset_peak``."""
    peak = 0
    for one in family(process):
        lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
        peak += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return peak / 1024


def reset_peak(process: int) -> None:
    """Restart the measurement of peak memory."""
    for one in family(process):
        Path(f"/proc/{one.pid}/clear_refs").write_text("5")


def family(process: int) -> list[psutil.Process]:
    """Return a process and all its descendants, outermost first."""
    root = psutil.Process(process)
    return [root, *root.children(recursive=True)]
