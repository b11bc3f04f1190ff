"""What a run sets for its whole process, before TensorFlow has started."""

import keras
import tensorflow as tf

from benchmark.spec import NumericsSpec


def configure(numerics: NumericsSpec, seed: int) -> None:
    """Set threads, devices, precision, determinism and Keras's seed, and what a user's keras.json
    may have set otherwise. Once a process."""
    if keras.config.backend() != "tensorflow":
        rule = "KERAS_BACKEND, or the backend of ~/.keras/keras.json, must be tensorflow"
        raise RuntimeError(f"{rule}. Received: {keras.config.backend()}")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    gpus = tf.config.list_physical_devices("GPU")
    # With GPUs the host's threads change no bits, and feed the GPUs: 0 is as many as there are.
    threads = 0 if gpus else numerics.threads
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    # Two operations at a time, where there are threads for them: a few percent faster, and no
    # other bits.
    at_once = max(2, numerics.replicas) if gpus else min(threads, 2)
    tf.config.threading.set_inter_op_parallelism_threads(at_once)
    tf.config.experimental.enable_tensor_float_32_execution(numerics.precision == "tensorfloat32")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus and numerics.replicas > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        shares = [tf.config.LogicalDeviceConfiguration() for _ in range(numerics.replicas)]
        tf.config.set_logical_device_configuration(cpu, shares)
    single = numerics.precision in ("float32", "tensorfloat32")
    keras.config.set_dtype_policy("float32" if single else numerics.precision)
    keras.utils.set_random_seed(seed)
    if numerics.deterministic:
        tf.config.experimental.enable_op_determinism()


def device() -> str:
    """The device that a run trains on: the first GPU's name, or ``CPU``."""
    for gpu in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
    return "CPU"
