"""Compile an HLO file for a GPU that is not present, and count what it would launch.

    JAX_PYTHON cross_compile.py STEP.hlo.pb

Run it with the Python of a separate environment that has ``jax`` and ``jax-cuda13-pjrt`` of the
same version and not this project: ``benchmark.proof.speed.kernels`` starts it. Prints JSON. It uses
private parts of JAX (0.10.2): only they compile for a device that is described but not present.
"""

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

H100 = """
gpu_device_info {
  threads_per_block_limit: 1024
  threads_per_warp: 32
  shared_memory_per_block: 49152
  shared_memory_per_core: 233472
  threads_per_core_limit: 2048
  core_count: 132
  fpus_per_core: 128
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  memory_bandwidth: 3352320000000
  l2_cache_size: 52428800
  clock_rate_ghz: 1.98
  device_memory_size: 84942979072
  shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 minor: 0 }
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 8 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
"""NVIDIA's data for the H100 SXM5, in XLA's terms."""

FREE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "domain"}
"""Instructions that launch nothing."""


def compiled(serialized: bytes) -> str:
    """Return the optimized HLO, as text."""
    from jax._src.interpreters import mlir
    from jax._src.lib import _jax, xla_client
    from jax.experimental import topologies
    from jaxlib.mlir import ir

    topology = topologies.get_topology_desc(
        "", platform="cuda", target_config=H100, topology="1x1x1"
    )
    with mlir.make_ir_context() as context:
        text = str(ir.Module.parse(_jax.mlir.hlo_to_stablehlo(serialized), context=context))
        module = ir.Module.parse(without_copies(text), context=context)
        options = xla_client.CompileOptions()
        options.num_replicas = options.num_partitions = 1
        device = topology.devices[0]
        program = device.client.compile(module, _jax.DeviceList((device,)), options)
    return program.hlo_modules()[0].to_string()


def without_copies(text: str) -> str:
    """Replace ``mhlo.copy``, unknown to JAX's StableHLO, by a reshape to the same shape."""
    pattern = (
        r'"?mhlo\.copy"?\(?\s*(%\w+)\)?(?: \{[^}]*\})? : '
        r"(?:\((tensor<[^>]*>)\) -> tensor<[^>]*>|(tensor<[^>]*>))"
    )

    def reshape(found: re.Match[str]) -> str:
        shape = found.group(2) or found.group(3)
        return f"stablehlo.reshape {found.group(1)} : ({shape}) -> {shape}"

    return re.sub(pattern, reshape, text)


def computations(text: str) -> dict[str, list[str]]:
    """Return name -> its instructions, one per line; the program's own is called ``ENTRY``."""
    found: dict[str, list[str]] = {}
    own: list[str] = []
    for line in text.splitlines():
        if head := re.match(r"(ENTRY )?%?([\w.\-]+) \(.*\{$", line):
            own = found.setdefault("ENTRY" if head.group(1) else head.group(2), [])
        elif " = " in line:
            own.append(line.strip())
    return found


def operation(line: str) -> str:
    """Return the operation of an instruction."""
    found = re.search(r"\s([a-z][\w\-]*)\(", line.partition(" = ")[2])
    return found.group(1) if found else ""


def launches(program: dict[str, list[str]], name: str) -> Counter[str]:
    """Return operation -> how often a computation launches it, counting each loop in it once. What
    calls others (such as a command buffer) counts as these; all branches of a conditional count."""
    counts: Counter[str] = Counter()
    for line in program[name]:
        kind = operation(line)
        if kind in FREE or kind.endswith("-done"):
            continue
        inner = _called(line) if kind in ("call", "while", "conditional") else []
        for each in inner:
            counts += launches(program, each)
        if not inner:
            counts[kind] += 1
    return counts


def loop_of(program: dict[str, list[str]]) -> str:
    """Return the body of the largest loop, which is the one over the steps."""
    bodies = [
        body
        for lines in program.values()
        for line in lines
        if operation(line) == "while"
        for body in re.findall(r"body=%?([\w.\-]+)", line)
    ]
    return max(bodies, key=lambda body: launches(program, body).total())


def _called(line: str) -> list[str]:
    one = re.findall(r"(?:to_apply|body|true_computation|false_computation)=%?([\w.\-]+)", line)
    several = re.findall(r"branch_computations=\{([^}]*)\}", line)
    return one + [each.strip().lstrip("%") for each in ",".join(several).split(",") if each.strip()]


def main(path: Path) -> None:
    """Compile, count, and print."""
    import jax

    program = computations(compiled(path.read_bytes()))
    found = launches(program, loop_of(program))
    told = {"jax": jax.__version__, "kernels": found.total(), "of": found}
    print(json.dumps(told))


if __name__ == "__main__":
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"
    # Nothing is timed, as there is no GPU; the other flag is what a run has under determinism.
    flags = "--xla_gpu_autotune_level=0 --xla_gpu_deterministic_ops=true"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}"
    main(Path(sys.argv[1]))
