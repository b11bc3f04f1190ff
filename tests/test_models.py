import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.models.build import build_model
from benchmark.models.count import Cost, counted_cost
from benchmark.models.families import cost
from benchmark.models.layers import ZeroPadShortcut
from benchmark.models.layout import blocks
from benchmark.spec import BatchNormSpec, ResNetSpec


@pytest.fixture(autouse=True)
def fresh_keras():
    yield
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session(free_memory=False)


def net(**fields):
    return ResNetSpec.model_validate(fields)


def small(**fields):
    """A net of one block a stage on 8x8 images."""
    stated = {"stem": "cifar", "block": "basic", "stage_blocks": [1, 1], "stage_widths": [4, 8]}
    return net(**{"shortcut": "B", **stated, **fields})


# Derived by hand for bias-free convolutions, BN's scale and shift, and the classifier's bias.
CIFAR = {
    20: (269_722, 269_722, 272_474, 283_962),
    32: (464_154, 464_154, 466_906, 489_594),
    44: (658_586, 658_586, 661_338, 695_226),
    56: (853_018, 853_018, 855_770, 900_858),
    110: (1_727_962, 1_727_962, 1_730_714, 1_826_202),
    1202: (19_421_274, 19_421_274, 19_424_026, 20_538_714),
}
IMAGENET = [
    (18, "A", "1x1", 11_515_688, 1.795),
    (18, "B", "1x1", 11_689_512, 1.814),
    (18, "C", "1x1", 12_043_816, 1.878),
    (34, "A", "1x1", 21_623_848, 3.644),
    (34, "B", "1x1", 21_797_672, 3.664),
    (34, "C", "1x1", 22_716_840, 3.831),
    (50, "B", "1x1", 25_557_032, 3.858),
    (50, "B", "3x3", 25_557_032, 4.089),
    (101, "B", "1x1", 44_549_160, 7.570),
    (101, "B", "3x3", 44_549_160, 7.801),
    (152, "B", "1x1", 60_192_808, 11.282),
    (152, "B", "3x3", 60_192_808, 11.514),
]


BUILT = [(32, "B"), (44, "none"), (56, "C"), (110, "C"), (1202, "A")]


@pytest.mark.parametrize("depth", CIFAR)
@pytest.mark.parametrize("option", ["none", "A", "B", "C"])
def test_cifar_nets_have_the_derived_parameters(depth, option):
    spec = net(stem="cifar", depth=depth, shortcut=option)
    expected = CIFAR[depth][["none", "A", "B", "C"].index(option)]
    assert cost(spec, (32, 32, 3), 10).parameters == expected
    if depth == 20 or (depth, option) in BUILT:
        assert counted_cost(build_model(spec, (32, 32, 3), 10)) == cost(spec, (32, 32, 3), 10)


@pytest.mark.parametrize(("depth", "option", "stride", "parameters", "gmacs"), IMAGENET)
def test_imagenet_nets_have_the_derived_cost(depth, option, stride, parameters, gmacs):
    fields = {"bottleneck_stride": stride} if depth >= 50 else {}
    spec = net(stem="imagenet", depth=depth, shortcut=option, **fields)
    expected = cost(spec, (224, 224, 3), 1000)
    assert expected.parameters == parameters
    assert round(expected.multiply_adds / 1e9, 3) == gmacs
    if depth <= 50 or stride == "3x3":
        assert counted_cost(build_model(spec, (224, 224, 3), 1000)) == expected


@pytest.mark.parametrize("n", [1, 2, 3, 7, 40, 200])
def test_a_formula_for_any_depth_6n_plus_2(n):
    kernels = 27 * 16 + 9 * (
        2 * n * 16**2 + (16 * 32 + (2 * n - 1) * 32**2) + (32 * 64 + (2 * n - 1) * 64**2)
    )
    scales = 2 * (16 + 2 * n * (16 + 32 + 64))
    spec = net(stem="cifar", depth=6 * n + 2, shortcut="A")
    assert cost(spec, (32, 32, 3), 10).parameters == kernels + scales + 650


@settings(max_examples=12, deadline=None)
@given(
    stem=st.sampled_from(["cifar", "imagenet"]),
    block=st.sampled_from(["basic", "bottleneck"]),
    stages=st.lists(st.tuples(st.integers(1, 2), st.integers(1, 6)), min_size=1, max_size=3),
    option=st.sampled_from(["none", "A", "B", "C"]),
    bias=st.booleans(),
    norm=st.booleans(),
    size=st.integers(17, 40),
)
def test_arithmetic_and_counting_agree(stem, block, stages, option, bias, norm, size):
    spec = net(
        stem=stem,
        block=block,
        stage_blocks=[count for count, _ in stages],
        stage_widths=sorted(width for _, width in stages),
        shortcut=option,
        conv_bias=bias,
        batch_norm=BatchNormSpec().model_dump() if norm else None,
    )
    assert counted_cost(build_model(spec, (size, size, 3), 7)) == cost(spec, (size, size, 3), 7)


def test_a_cost_is_of_one_image():
    assert cost(small(), (8, 8, 3), 5) == Cost(
        parameters=(27 * 4 + 8) + 2 * (144 + 8) + (288 + 16) + (576 + 16) + (32 + 16) + 45,
        multiply_adds=64 * (108 + 288) + 16 * (288 + 576 + 32) + 40,
    )


def test_who_owns_a_projection():
    def owners(option):
        spec = net(stem="imagenet", depth=34, shortcut=option)
        return [block.name for block in blocks(spec) if block.shortcut == "projection"]

    assert owners("B") == ["stage2_block1", "stage3_block1", "stage4_block1"]
    assert len(owners("C")) == 16 == len(owners("B")) + 13
    assert owners("A") == owners("none") == []
    first = next(blocks(net(stem="imagenet", depth=50, shortcut="B")))
    assert (first.shortcut, first.stride) == ("projection", 1)  # 64 to 256 channels.


def test_plain_nets_have_no_shortcuts():
    model = build_model(small(shortcut="none"), (8, 8, 3), 5)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert not kinds & {"Add", "ZeroPadShortcut"}


@pytest.mark.parametrize(("side", "first"), [("end", 0), ("both", 2)])
def test_option_a_copies_every_second_pixel_and_adds_zeros(side, first):
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype(np.float32)
    y = np.asarray(ZeroPadShortcut(8, 2, side)(x))
    expected = np.zeros((2, 3, 3, 8), np.float32)
    expected[..., first : first + 3] = x[:, ::2, ::2]
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("size", [6, 5])
def test_option_a_may_take_means_of_squares(size):
    """At an odd size the last row and column are of the pixels that are there."""
    x = np.random.default_rng(0).normal(size=(2, size, size, 3)).astype(np.float32)
    y = ZeroPadShortcut(8, 2, "both", pool=2)(x)
    expected = np.zeros((2, 3, 3, 8), np.float32)
    for row in range(3):
        for column in range(3):
            square = x[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            expected[:, row, column, 2:5] = square.mean((1, 2))
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("subsampling", "pool"), [("stride", 1), ("mean", 2)])
def test_how_option_a_subsamples_reaches_the_layers(subsampling, pool):
    model = build_model(small(shortcut="A", subsampling=subsampling), (8, 8, 3), 5)
    layer = model.get_layer("stage2_block1_zero_pad")
    assert (layer.stride, layer.pool) == (2, pool)
    same = keras.Model.from_config(model.get_config()).get_layer("stage2_block1_zero_pad")
    assert (same.stride, same.pool) == (2, pool)


@pytest.mark.parametrize("option", ["A", "B", "C"])
@pytest.mark.parametrize("zero_gamma", [False, True])
def test_a_zeroed_branch_leaves_relu_of_the_shortcut(option, zero_gamma):
    spec = small(shortcut=option, batch_norm={"zero_gamma": zero_gamma})
    model = build_model(spec, (8, 8, 3), 5)
    if not zero_gamma:
        last = model.get_layer("stage2_block1_bn2")
        last.gamma.assign(tf.zeros(8))
    before = model.get_layer("stage1_block1_relu2").output
    shortcut = {
        "A": "stage2_block1_zero_pad",
        "B": "stage2_block1_projection_bn",
        "C": "stage2_block1_projection_bn",
    }[option]
    outputs = [before, model.get_layer(shortcut).output]
    outputs.append(model.get_layer("stage2_block1_relu2").output)
    images = np.random.default_rng(1).normal(size=(3, 8, 8, 3)).astype(np.float32)
    _, through, joined = keras.Model(model.input, outputs)(images)
    np.testing.assert_array_equal(joined, np.maximum(through, 0))
    assert np.ptp(joined) > 0


@pytest.mark.parametrize(("place", "strides"), [("1x1", (2, 1, 1)), ("3x3", (1, 2, 1))])
def test_the_stride_of_a_bottleneck(place, strides):
    spec = small(block="bottleneck", bottleneck_stride=place)
    model = build_model(spec, (8, 8, 3), 5)
    found = [model.get_layer(f"stage2_block1_conv{i}").strides[0] for i in (1, 2, 3)]
    assert tuple(found) == strides


def test_padding_is_alike_on_all_sides():
    """A convolution of ones at stride 2 counts the pixels under its kernel."""
    model = build_model(small(shortcut="none", batch_norm=None), (8, 8, 3), 5)
    conv = model.get_layer("stage2_block1_conv1")
    conv.kernel.assign(tf.ones(conv.kernel.shape))
    tail = keras.Model(model.get_layer("stage2_block1_conv1_pad").input, conv.output)
    seen = np.asarray(tail(np.ones((1, 8, 8, 4), np.float32)))[0, :, :, 0]
    assert seen[0, 0] == 4 * 4 and seen[0, 1] == 4 * 6 and seen[-1, -1] == 4 * 9


def test_the_imagenet_stem_halves_twice():
    spec = net(stem="imagenet", depth=18, shortcut="A")
    model = build_model(spec, (64, 64, 3), 5)
    shapes = {n: model.get_layer(n).output.shape[1] for n in ("stem_conv", "stem_pool", "pool")}
    assert shapes == {"stem_conv": 32, "stem_pool": 16, "pool": 512}


@pytest.mark.parametrize(
    ("initializer", "stddev"),
    [
        ({"initializer": "he-fan-in"}, (2 / (9 * 64)) ** 0.5),
        ({"initializer": "he-fan-out"}, (2 / (9 * 128)) ** 0.5),
        ({"initializer": "glorot-uniform"}, (2 / (9 * 192)) ** 0.5),
        ({"initializer": "gaussian", "initializer_stddev": 0.01}, 0.01),
    ],
)
def test_initialisers(initializer, stddev):
    spec = small(stage_widths=[64, 128], **initializer)
    kernel = np.asarray(build_model(spec, (8, 8, 3), 5).get_layer("stage2_block1_conv1").kernel)
    assert kernel.std() == pytest.approx(stddev, rel=0.02)
    beyond = np.mean(np.abs(kernel) > 2.5 * stddev)
    # An untruncated normal has 1.24 % beyond 2.5 standard deviations; a truncated one none.
    assert beyond == pytest.approx(
        0 if "glorot" in initializer["initializer"] else 0.0124, abs=2e-3
    )


@pytest.mark.parametrize(
    ("classifier", "stddev", "bound"),
    [
        ("same", (2 / 128) ** 0.5, None),
        ("glorot-uniform", (2 / (128 + 512)) ** 0.5, (6 / (128 + 512)) ** 0.5),
        ("torch-uniform", (1 / (3 * 128)) ** 0.5, (1 / 128) ** 0.5),
        ("gaussian", 0.01, None),
    ],
)
def test_the_classifiers_initialiser(classifier, stddev, bound):
    """Of (128, 512) weights; the other layers' is not changed."""
    spec = small(stage_widths=[64, 128], classifier_initializer=classifier)
    model = build_model(spec, (8, 8, 3), 512)
    kernel = np.asarray(model.get_layer("classifier").kernel)
    assert kernel.std() == pytest.approx(stddev, rel=0.02)
    assert kernel.mean() == pytest.approx(0, abs=stddev / 50)
    if bound:
        assert 0.99 * bound < np.abs(kernel).max() <= bound
    else:
        assert np.abs(kernel).max() > 3.5 * stddev
    other = np.asarray(model.get_layer("stage2_block1_conv1").kernel)
    assert other.std() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)


def test_the_choices_reach_the_layers():
    model = build_model(
        small(batch_norm={"momentum": 0.7, "epsilon": 0.002}, conv_bias=True, dropout_rate=0.3),
        (8, 8, 3),
        5,
    )
    norm = model.get_layer("stage1_block1_bn1")
    assert (norm.momentum, norm.epsilon) == (0.7, 0.002)
    assert model.get_layer("stem_conv").use_bias
    assert model.get_layer("dropout").rate == 0.3
    bare = build_model(small(batch_norm=None), (8, 8, 3), 5)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in bare.layers)
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in bare.layers)


def test_logits_are_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = build_model(small(), (8, 8, 3), 5)
    assert model.get_layer("stem_conv").compute_dtype == "bfloat16"
    assert model(np.zeros((1, 8, 8, 3), np.float32)).dtype == "float32"


@pytest.mark.parametrize("option", ["none", "A", "C"])
def test_models_are_functional_and_serialise(option, tmp_path):
    model = build_model(small(shortcut=option), (8, 8, 3), 5)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(images), model(images))
    model.save_weights(tmp_path / "net.weights.h5")
    third = build_model(small(shortcut=option), (8, 8, 3), 5)
    third.load_weights(tmp_path / "net.weights.h5")
    np.testing.assert_array_equal(third(images), model(images))


def test_weights_come_from_kerass_seed():
    def drawn(seed):
        keras.utils.set_random_seed(seed)
        return build_model(small(), (8, 8, 3), 5).get_weights()

    first, again, other = drawn(3), drawn(3), drawn(4)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
