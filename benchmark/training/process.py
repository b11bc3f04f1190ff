"""Process-wide settings of a run, made before TensorFlow starts."""

import keras
import tensorflow as tf

from benchmark.spec import NumericsSpec


def configure(numerics: NumericsSpec, seed: int, gpu_memory_mib: int | None = None) -> None:
    """Set threads, devices, precision, determinism and Keras's seed, and override a user's
    keras.json. Call it once per process.

    ``gpu_memory_mib``: the limit on each GPU if several runs share one; None: as much as needed.
    """
    _use_keras_as_meant()
    gpus = tf.config.list_physical_devices("GPU")
    # With GPUs, the host's threads only feed them and change no bits: 0 means all of them.
    threads = 0 if gpus else numerics.threads
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    # Two operations at a time if there are threads for them: a few percent faster, with the same
    # bits.
    at_once = max(2, numerics.replicas) if gpus else min(threads, 2)
    tf.config.threading.set_inter_op_parallelism_threads(at_once)
    tf.config.experimental.enable_tensor_float_32_execution(numerics.precision == "tensorfloat32")
    _share_memory(gpus, gpu_memory_mib)
    if not gpus and numerics.replicas > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        shares = [tf.config.LogicalDeviceConfiguration() for _ in range(numerics.replicas)]
        tf.config.set_logical_device_configuration(cpu, shares)
    single = numerics.precision in ("float32", "tensorfloat32")
    keras.config.set_dtype_policy("float32" if single else numerics.precision)
    keras.utils.set_random_seed(seed)
    if numerics.deterministic:
        tf.config.experimental.enable_op_determinism()


def _use_keras_as_meant() -> None:
    """Override ~/.keras/keras.json and Keras's environment variables."""
    if keras.config.backend() != "tensorflow":
        rule = "KERAS_BACKEND, or the backend of ~/.keras/keras.json, must be tensorflow"
        raise RuntimeError(f"{rule}. Received: {keras.config.backend()}")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")


def configure_scoring() -> None:
    """Set up a process that scores trained nets: float32 without TF32, determinism, and only as
    much GPU memory as needed. Call it once per process."""
    _use_keras_as_meant()
    _share_memory(tf.config.list_physical_devices("GPU"), None)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()


def _share_memory(gpus: list[tf.config.PhysicalDevice], part_mib: int | None) -> None:
    """Allocate GPU memory as needed; if several runs share a GPU, a fixed part, so that the others
    do not affect which algorithms have enough workspace."""
    for gpu in gpus:
        if part_mib is None:
            tf.config.experimental.set_memory_growth(gpu, True)
        else:
            own = tf.config.LogicalDeviceConfiguration(memory_limit=part_mib)
            tf.config.set_logical_device_configuration(gpu, [own])


def peak_gpu_memory_mib() -> float | None:
    """Return the peak memory of a GPU so far, the largest over all GPUs; None without a GPU."""
    gpus = tf.config.list_logical_devices("GPU")
    peaks = [
        tf.config.experimental.get_memory_info(gpu.name.removeprefix("/device:"))["peak"]
        for gpu in gpus
    ]
    return max(peaks) / 2**20 if peaks else None


def device() -> str:
    """Return the device that a run trains on: the first GPU's name, or ``CPU``."""
    for gpu in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
    return "CPU"
