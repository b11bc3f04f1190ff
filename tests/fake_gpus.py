"""An ``nvidia-smi`` that tells of made-up GPUs."""

import os


def fake_gpus(folder, monkeypatch, count, name="H100"):
    rows = [f"{at}, GPU-{at}a, {name}, 580.1, 9.0, 80000" for at in range(count)]
    script = folder / "nvidia-smi"
    script.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(rows) + "\nEND\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))
    # Put back at the end, whatever sets them meanwhile.
    for variable in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "RESNET_BENCH_GPU_MEMORY_MIB"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
