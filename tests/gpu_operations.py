"""What TensorFlow would do with a traced function on a GPU, as far as a machine without one can
tell: its wheel knows which operations have a GPU kernel for which types, and which of a kernel's
arguments lie in the host's memory.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import kernels, op_def_registry

STRUCTURE = {"Placeholder", "NoOp", "While", "StatelessWhile", "If", "StatelessIf"}
CALLS = {"PartitionedCall", "StatefulPartitionedCall"}

NOT_DETERMINISTIC = {
    "AdjustContrast": "raises on a GPU",
    "AdjustContrastv2": "raises on a GPU",
    "Bincount": "raises on a GPU",
    "CropAndResizeGradBoxes": "raises on a GPU",
    "CropAndResizeGradImage": "raises on a GPU",
    "DenseBincount": "raises on a GPU",
    "Dilation2DBackpropFilter": "raises on a GPU",
    "Dilation2DBackpropInput": "raises on a GPU",
    "FakeQuantWithMinMaxVarsGradient": "raises on a GPU",
    "FakeQuantWithMinMaxVarsPerChannelGradient": "raises on a GPU",
    "MaxPoolGradWithArgmax": "raises on a GPU",
    "ResizeNearestNeighborGrad": "raises on a GPU",
    "ScatterNd": "is computed on the host",
    "SoftmaxCrossEntropyWithLogits": "raises on a GPU; TensorFlow's Python takes another way",
    "SparseSoftmaxCrossEntropyWithLogits": "raises on a GPU; TensorFlow's Python takes another way",
    "SparseTensorDenseMatMul": "raises on a GPU",
    "TensorScatterAdd": "is computed on the host",
}
"""Operation -> what it does under determinism, by the messages and headers of TensorFlow 2.21. Not
among them: reductions by segment, which are sorted there first."""

NOT_DETERMINISTIC_BY_XLA = {"MaxPoolGrad", "MaxPoolGradV2", "MaxPoolGradGrad"}
"""What raises where XLA compiles it under determinism, on a CPU too."""


HANDLES = {"DT_RESOURCE", "DT_VARIANT"}
"""What always lies in the host's memory."""


KNOWN = {"Const", "Shape", "ShapeN", "Size", "Rank", "BroadcastGradientArgs"}
"""What is known of tensors whose sizes are."""


class Crossing(NamedTuple):
    """A tensor that the host waits for."""

    made_by: str
    taken_by: str
    kind: str
    """The type of its elements."""


def gpu_kernels(op: str) -> list:
    """``DEFAULT`` is any device that is no CPU; small integers then stay in the host's memory."""
    registered = kernels.get_registered_kernels_for_op(op).kernel
    found = [kernel for kernel in registered if kernel.device_type in ("GPU", "DEFAULT")]
    return sorted(found, key=lambda kernel: kernel.device_type != "GPU")


def gpu_kernel(node):
    """The GPU kernel for a node's types; None where there is none."""

    def fits(kernel) -> bool:
        return all(
            node.attr[constraint.name].type in constraint.allowed_values.list.type
            for constraint in kernel.constraint
        )

    return next((kernel for kernel in gpu_kernels(node.op) if fits(kernel)), None)


def functions(concrete) -> Iterator:
    """A traced function and all those that it calls: the nodes of each."""
    graph = concrete.graph.as_graph_def()
    yield graph.node
    for function in graph.library.function:
        yield function.node_def


def nodes(concrete) -> Iterator:
    """Of a traced function and of all those that it calls."""
    for each in functions(concrete):
        yield from each


def without_gpu_kernel(concrete) -> set:
    """Operations that would run on the host, with their types."""
    return {
        (node.op, *sorted(_types(node).items()))
        for node in nodes(concrete)
        if node.op not in STRUCTURE | CALLS and gpu_kernel(node) is None
    }


def raising(concrete) -> set[str]:
    """Operations that have no deterministic form on a GPU."""
    return {
        node.op
        for node in nodes(concrete)
        if node.op in NOT_DETERMINISTIC
        or (node.op.startswith("FusedBatchNormGrad") and not node.attr["is_training"].b)
    }


def sums_of_many(concrete) -> set[str]:
    """AddN of more than two terms, which it adds in the order in which their memory is free."""
    return {node.name for node in nodes(concrete) if node.op == "AddN" and len(node.input) > 2}


def crossings(concrete) -> set[Crossing]:
    """What would be copied from the GPU's memory to the host's. What a call, a loop or a branch
    takes or gives lies, as between functions, in the host's memory if it is of int32."""
    return {crossing for each in functions(concrete) for crossing in _crossings(each)}


def _crossings(own) -> Iterator[Crossing]:
    by_name = {node.name: node for node in own}
    known = _known(own)
    for node in own:
        wanted = _memories(node, inputs=True)
        given = [name for name in node.input if not name.startswith("^")]
        for name, (in_host, kind) in zip(given, wanted, strict=True):
            producer, _, place = name.partition(":")
            # What is no node here is an argument, and counts where it is handed over.
            if in_host and producer in by_name.keys() - known and kind not in HANDLES:
                made_in_host, _ = _made(by_name[producer], place)
                if not made_in_host:
                    yield Crossing(by_name[producer].op, node.op, kind)


def _known(own) -> set[str]:
    """The nodes that TensorFlow knows before it runs them, since all sizes are: they are reckoned
    once, wherever that may be."""
    known: set[str] = set()
    while True:
        more = {
            node.name
            for node in own
            if node.op in KNOWN
            or (
                node.input
                and node.op not in STRUCTURE | CALLS
                and all(name.partition(":")[0].lstrip("^") in known for name in node.input)
            )
        }
        if more <= known:
            return known
        known |= more


def _made(node, place: str) -> tuple[bool, str]:
    """Of an output: ``2`` in a graph, ``indices:0`` in a function's body."""
    found = _memories(node, inputs=False)
    name, _, number = place.rpartition(":")
    if not name:
        return found[int(number or 0)]
    first = 0
    for argument in op_def_registry.get(node.op).output_arg:
        if argument.name == name:
            return found[first + int(number)]
        first += len(_kinds(node, argument))
    raise AssertionError(f"{node.op} has no output {place}")


def _memories(node, *, inputs: bool) -> list[tuple[bool, str]]:
    """Of each input or output: whether it lies in the host's memory, and its type."""
    definition = op_def_registry.get(node.op)
    arguments = definition.input_arg if inputs else definition.output_arg
    between = node.op in STRUCTURE | CALLS
    kernel = None if between else gpu_kernel(node)
    found = []
    for argument in arguments:
        for kind in _kinds(node, argument):
            name = types_pb2.DataType.Name(kind)
            if between:
                found.append((name == "DT_INT32", name))
            else:
                found.append((kernel is None or argument.name in kernel.host_memory_arg, name))
    return found


def _kinds(node, argument) -> list[int]:
    if argument.type_list_attr:
        return list(node.attr[argument.type_list_attr].list.type)
    kind = node.attr[argument.type_attr].type if argument.type_attr else argument.type
    return [kind] * (node.attr[argument.number_attr].i if argument.number_attr else 1)


def _types(node) -> dict[str, str]:
    named = {name: value.type for name, value in node.attr.items() if value.type}
    return {name: types_pb2.DataType.Name(kind) for name, kind in named.items()}
