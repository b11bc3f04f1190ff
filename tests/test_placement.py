"""What runs on a GPU, as far as a machine without one can tell.

TensorFlow's wheel knows which operations have a GPU kernel for which types, on any machine.
"""

import keras
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import kernels
from test_training import tiny_spec

from benchmark.data import resident
from benchmark.data.resident import ResidentImages
from benchmark.models.build import build_model
from benchmark.models.folding import inference_model
from benchmark.training.classification import CrossEntropy
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizer import Momentum
from benchmark.training.replicas import Replicas
from benchmark.training.step import TrainingSteps

STRUCTURE = {"Placeholder", "NoOp", "While", "StatelessWhile", "If", "StatelessIf"}
CALLS = {"PartitionedCall", "StatefulPartitionedCall"}


def gpu_kernels(op):
    """``DEFAULT`` is any device that is no CPU; small integers then stay in the host's memory."""
    registered = kernels.get_registered_kernels_for_op(op).kernel
    return [kernel for kernel in registered if kernel.device_type in ("GPU", "DEFAULT")]


def on_gpu(node):
    """Whether a node has a GPU kernel for its types."""

    def fits(kernel):
        return all(
            node.attr[constraint.name].type in constraint.allowed_values.list.type
            for constraint in kernel.constraint
        )

    return any(fits(kernel) for kernel in gpu_kernels(node.op))


def types(node):
    named = {name: value.type for name, value in node.attr.items() if value.type}
    return {name: types_pb2.DataType.Name(kind) for name, kind in named.items()}


def nodes(concrete):
    """Of a function and of all those that it calls."""
    graph = concrete.graph.as_graph_def()
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def without_gpu_kernel(concrete):
    return {
        (node.op, *sorted(types(node).items()))
        for node in nodes(concrete)
        if node.op not in STRUCTURE | CALLS and not on_gpu(node)
    }


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(resident, "_there_is_a_gpu", lambda: True)
    if not gpu_kernels("Conv2D"):
        pytest.skip("this TensorFlow was built without GPU kernels")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_every_operation_of_a_step_has_a_gpu_kernel(embedded, precision, shortcut):
    spec = tiny_spec(model={"shortcut": shortcut}, numerics={"precision": precision})
    keras.config.set_dtype_policy(precision)
    data = ResidentImages(spec.dataset, embedded)
    model = build_model(spec.model, (32, 32, 3), 10)
    optimizer = Momentum(spec.optimizer, model.trainable_weights)
    scale = LossScale(spec.numerics.loss_scale)
    objective = CrossEntropy(model, [data])
    called = TrainingSteps(objective, optimizer, scale, Replicas(1), xla=False)
    steps = called.concrete(*data.train_inputs(0, spec.optimizer.batch_size, 0, 0))
    assert len(list(nodes(steps))) > 300
    assert without_gpu_kernel(steps) == set()
    # AddN adds its terms in the order in which they are ready: two are the most.
    assert {len(node.input) for node in nodes(steps) if node.op == "AddN"} <= {2}


def test_every_operation_of_scoring_has_a_gpu_kernel(embedded):
    spec = tiny_spec()
    data = ResidentImages(spec.dataset, embedded)
    model = build_model(spec.model, (32, 32, 3), 10)
    folded, take_over = inference_model(spec.model, model, (32, 32, 3), 10)

    @tf.function
    def score(start, stop):
        images, labels = data.scored_batch("test", start, stop)
        logits = folded(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.argmax(logits, axis=1, output_type=tf.int32), losses

    bounds = tf.TensorSpec((), tf.int32)
    assert without_gpu_kernel(score.get_concrete_function(bounds, bounds)) == set()
    assert without_gpu_kernel(take_over.get_concrete_function()) == set()


def test_bytes_gathered_from_a_constant_would_leave_the_gpu():
    """What this file guards against, and the proof that it would see it."""
    pixels = tf.constant([[1], [2]], tf.uint8)
    gather = tf.function(lambda indices: tf.gather(pixels, indices))
    found = without_gpu_kernel(gather.get_concrete_function(tf.TensorSpec((None,), tf.int32)))
    assert any(op == "GatherV2" for op, *_ in found)
