"""The nets of the second paper: their cost, their function, and what does not fit them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from benchmark.models.build import build_model
from benchmark.models.count import counted_cost
from benchmark.models.families import cost, net_of
from benchmark.models.folding import inference_model
from benchmark.spec import PreactivationSpec, ResNetSpec, RunSpec
from benchmark.suite.problems import rule_of

ORDERS = [
    *("original", "bn-after-addition", "relu-before-addition"),
    *("relu-only-preactivation", "full-preactivation"),
]
SCALED = {"kind": "constant-scaling", "shortcut": 0.5, "residual": 0.25}
GATED = {"kind": "gating", "exclusive": True, "initial_bias": -1.0}
PATHS = [SCALED, GATED, GATED | {"exclusive": False}, {"kind": "dropout", "rate": 0.5}]
TINY = {"stem": "cifar", "block": "basic", "stage_blocks": [2, 2], "stage_widths": [4, 8]}
IMAGES = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def fresh_keras():
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session(free_memory=False)


def net(**fields):
    return PreactivationSpec.model_validate(
        {"family": "preactivation-resnet", "shortcut": "B", **TINY, **fields}
    )


def of_paper(depth, block, shortcut, order):
    fields = {"stem": "cifar", "depth": depth, "block": block, "shortcut": shortcut, "order": order}
    return PreactivationSpec.model_validate({"family": "preactivation-resnet", **fields})


def convolutions_of_bottlenecks(units):
    """Kernels of a stage's first unit, with its projection, and of the others."""
    total = 9 * 3 * 16
    for width, inputs in ((16, 16), (32, 64), (64, 128)):
        total += inputs * width + 9 * width**2 + 4 * width**2 + inputs * 4 * width
        total += (units - 1) * (4 * width * width + 9 * width**2 + 4 * width * width)
    return total


@pytest.mark.parametrize(("depth", "units"), [(164, 18), (1001, 111)])
def test_bottlenecks_have_the_derived_parameters(depth, units):
    """Scales and shifts: of each unit 6 widths; in original units one more for the projection, of
    4 widths; of pre-activation ones the inputs of its first convolution in place of its outputs."""
    dense = 256 * 10 + 10
    inner = sum(units * (width + width) for width in (16, 32, 64))
    original = 16 + inner + sum((units + 1) * 4 * width for width in (16, 32, 64))
    full = 16 + inner + 64 + 128 + sum((units - 1) * 4 * width for width in (16, 32, 64)) + 256
    for order, norms in (("original", original), ("full-preactivation", full)):
        spec = of_paper(depth, "bottleneck", "B", order)
        wanted = convolutions_of_bottlenecks(units) + 2 * norms + dense
        assert cost(spec, (32, 32, 3), 10).parameters == wanted


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("block", ["basic", "single"])
def test_orders_move_normalisation_and_add_none(order, block):
    ours = cost(of_paper(110, block, "A", order), (32, 32, 3), 10)
    theirs = ResNetSpec(stem="cifar", depth=110, block=block, shortcut="A")
    assert ours == cost(theirs, (32, 32, 3), 10)
    assert ours.parameters == 1_727_962


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("block", ["single", "basic", "bottleneck"])
def test_what_is_reckoned_is_what_is_built(order, block):
    for number, shortcut in enumerate("ABC", ORDERS.index(order)):
        on_shortcut = GATED if number % 2 else None  # Each with either, over the orders.
        spec = net(order=order, block=block, shortcut=shortcut, on_shortcut=on_shortcut)
        assert counted_cost(build_model(spec, (8, 8, 3), 10)) == cost(spec, (8, 8, 3), 10)


def test_no_batch_norm_is_reckoned_too():
    spec = net(batch_norm=None, conv_bias=True, on_shortcut=SCALED)
    assert counted_cost(build_model(spec, (8, 8, 3), 10, 7)) == cost(spec, (8, 8, 3), 10, 7)


def drawn(spec):
    """A net whose weights, biases and statistics are all drawn."""
    model = build_model(spec, (8, 8, 3), 5)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        spread = rng.uniform(0.2, 0.6, weight.shape)
        weight.assign(spread if "kernel" not in weight.path else spread - 0.4)
    return model


def by_hand(spec, model, images):
    """The units as the paper's Figure 4 draws them, of basic blocks with option B or C."""
    layers = {layer.name: layer for layer in model.layers}
    order = spec.order

    def conv(x, name):
        stride = layers[name].strides[0]
        kernel = layers[name].kernel.shape[0]
        if stride > 1 and kernel > 1:
            x = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        padding = "SAME" if stride == 1 else "VALID"
        return tf.nn.conv2d(x, layers[name].kernel.value, stride, padding)

    def bn(x, name):
        norm = layers[name]
        scale = norm.gamma.value / tf.sqrt(norm.moving_variance.value + norm.epsilon)
        return (x - norm.moving_mean.value) * scale + norm.beta.value

    x = tf.nn.relu(bn(conv(images, "stem_conv"), "stem_bn"))
    names = [f"stage{stage}_block{block}" for stage in (1, 2) for block in (1, 2)]
    for number, name in enumerate(names):
        before = x
        if number and order == "full-preactivation":
            before = tf.nn.relu(bn(x, f"{name}_pre_bn"))
        elif number and order == "relu-only-preactivation":
            before = tf.nn.relu(x)
        shortcut = x
        if f"{name}_projection_conv" in layers:
            shortcut = conv(before, f"{name}_projection_conv")
            if order != "full-preactivation":
                shortcut = bn(shortcut, f"{name}_projection_bn")
        y = tf.nn.relu(bn(conv(before, f"{name}_conv1"), f"{name}_bn1"))
        y = conv(y, f"{name}_conv2")
        if order in ("original", "relu-before-addition", "relu-only-preactivation"):
            y = bn(y, f"{name}_bn2")
        if order == "relu-before-addition":
            y = tf.nn.relu(y)
        x = shortcut + y
        if order == "bn-after-addition":
            x = bn(x, f"{name}_bn2")
        if order in ("original", "bn-after-addition"):
            x = tf.nn.relu(x)
    if order == "full-preactivation":
        x = bn(x, "last_bn")
    if order.endswith("preactivation"):
        x = tf.nn.relu(x)
    pooled = tf.reduce_mean(x, (1, 2))
    return pooled @ layers["classifier"].kernel.value + layers["classifier"].bias.value


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shortcut", ["B", "C"])
def test_each_order_is_the_papers(order, shortcut):
    spec = net(order=order, shortcut=shortcut)
    model = drawn(spec)
    wanted = by_hand(spec, model, tf.constant(IMAGES))
    np.testing.assert_allclose(model(IMAGES), wanted, rtol=1e-4, atol=1e-5)
    scoring, take_over = inference_model(spec, model, (8, 8, 3), 5)
    take_over()
    np.testing.assert_allclose(scoring(IMAGES), wanted, rtol=1e-4, atol=1e-5)


def same_weights(spec, model):
    """Another net with the weights of ``model``, gates' left out, by their names."""
    other = build_model(spec, (8, 8, 3), 5)
    arrays = {weight.path: weight.numpy() for weight in model.weights}
    for weight in other.weights:
        if weight.path in arrays:
            weight.assign(arrays[weight.path])
    return other


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_original_units_are_the_first_papers(shortcut):
    model = drawn(ResNetSpec.model_validate({"shortcut": shortcut, **TINY}))
    for on_shortcut in (None, {"kind": "dropout"}):  # Which drops nothing in inference.
        spec = net(order="original", shortcut=shortcut, on_shortcut=on_shortcut)
        ours = same_weights(spec, model)
        assert {w.path for w in ours.weights} == {w.path for w in model.weights}
        np.testing.assert_array_equal(ours(IMAGES), model(IMAGES))


def test_without_its_shortcuts_it_is_a_plain_net():
    plain = drawn(ResNetSpec.model_validate({"shortcut": "none", **TINY}))
    scaled = {"kind": "constant-scaling", "shortcut": 0.0, "residual": 1.0}
    ours = same_weights(net(order="original", shortcut="A", on_shortcut=scaled), plain)
    np.testing.assert_allclose(ours(IMAGES), plain(IMAGES), rtol=1e-6)


@pytest.mark.parametrize("exclusive", [True, False])
def test_gates_that_see_nothing_are_constants(exclusive):
    """Where their kernels are zero, their biases are all that they have."""
    gate = 1 / (1 + np.exp(1.0))
    constants = {"shortcut": 1 - gate, "residual": gate if exclusive else 1.0}
    scaled = drawn(net(on_shortcut={"kind": "constant-scaling", **constants}))
    gated = same_weights(net(on_shortcut=GATED | {"exclusive": exclusive}), scaled)
    gates = [layer for layer in gated.layers if layer.name.endswith("_gate")]
    assert len(gates) == 4
    for layer in gates:
        np.testing.assert_array_equal(layer.bias, -1.0)
        assert np.ptp(layer.kernel) > 0
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    np.testing.assert_allclose(gated(IMAGES), scaled(IMAGES), rtol=1e-5)


def test_dropout_on_the_shortcut_is_drawn_in_training_alone():
    model = drawn(net(order="original", on_shortcut={"kind": "dropout"}))
    np.testing.assert_array_equal(model(IMAGES), model(IMAGES))
    assert np.ptp(model(IMAGES, training=True) - model(IMAGES, training=True)) > 0


@pytest.mark.parametrize("order", ORDERS)
def test_each_convolution_but_projections_has_a_response(order):
    spec = net(order=order)
    model = build_model(spec, (8, 8, 3), 5)
    found = net_of(spec).responding_layers(spec)
    assert len(found) == 1 + 4 * 2
    kinds = {type(model.get_layer(layer)).__name__ for layer in found.values()}
    bare = order in ("bn-after-addition", "full-preactivation")
    assert kinds == ({"Conv2D", "BatchNormalization"} if bare else {"BatchNormalization"})


RUN = {
    "dataset": {"name": "cifar10"},
    "model": {"family": "preactivation-resnet", "stem": "cifar", "depth": 20, "shortcut": "A"},
    "seed": 0,
}


@pytest.mark.parametrize(
    ("model", "changes", "field"),
    [
        ({"shortcut": "none"}, {}, "model.shortcut"),
        ({"order": "bn-after-addition", "batch_norm": None}, {}, "model.order"),
        ({"batch_norm": {"zero_gamma": True}}, {}, "model.batch_norm.zero_gamma"),
        ({"on_shortcut": {"rate": 0.5}}, {}, "model.on_shortcut.kind"),
        ({"on_shortcut": {"kind": "dropout", "rate": 0.0}}, {}, "model.on_shortcut.rate"),
        ({}, {"dataset": {"name": "pasted-cifar"}, "detector": {}}, "model.family"),
    ],
)
def test_what_does_not_fit_is_refused(model, changes, field):
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(RUN | {"model": RUN["model"] | model} | changes)
    assert field in [".".join(map(str, rule_of(error)[0])) for error in caught.value.errors()]
