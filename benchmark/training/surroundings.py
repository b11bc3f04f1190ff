"""What the environment tells a training, without TensorFlow."""

GPU_MEMORY = "RESNET_BENCH_GPU_MEMORY_MIB"
"""The environment's name for the memory, in MiB, that a process may take of each GPU."""
