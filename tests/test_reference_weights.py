"""Nets that others wrote give the same logits with the same weights."""

import keras
import numpy as np
import pytest

from benchmark.models.build import build_model
from benchmark.models.reference_weights import (
    keras_applications_weights,
    load_reference_weights,
    reference_weights,
)
from benchmark.spec import ResNetSpec

RNG = np.random.default_rng(0)


def net(**fields):
    return ResNetSpec.model_validate({"stem": "cifar", "shortcut": "A", **fields})


def random_norm(channels):
    """Scale, shift, mean and variance as they are after some training."""
    return {
        "weight": RNG.uniform(0.5, 1.5, channels),
        "bias": RNG.normal(0, 0.3, channels),
        "running_mean": RNG.normal(0, 0.3, channels),
        "running_var": RNG.uniform(0.5, 1.5, channels),
        "num_batches_tracked": np.array(7),
    }


def random_state(spec, *, shortcut, classifier, classes=10, prefix=""):
    """A torch-style state dict of a basic-block net, with its names and layouts."""
    state = {}

    def add(name, arrays):
        for key, array in arrays.items():
            state[f"{prefix}{name}.{key}"] = np.asarray(array, np.float32)

    def conv(out, channels, size):
        return {
            "weight": RNG.normal(0, (2 / (channels * size**2)) ** 0.5, (out, channels, size, size))
        }

    channels = spec.stage_widths[0]
    add("conv1", conv(channels, 3, 3 if spec.stem == "cifar" else 7))
    add("bn1", random_norm(channels))
    for stage, (count, width) in enumerate(zip(spec.stage_blocks, spec.stage_widths, strict=True)):
        for block in range(count):
            name = f"layer{stage + 1}.{block}"
            add(f"{name}.conv1", conv(width, channels, 3))
            add(f"{name}.bn1", random_norm(width))
            add(f"{name}.conv2", conv(width, width, 3))
            add(f"{name}.bn2", random_norm(width))
            if spec.shortcut == "B" and channels != width:
                add(f"{name}.{shortcut}.0", conv(width, channels, 1))
                add(f"{name}.{shortcut}.1", random_norm(width))
            channels = width
    head = {"weight": RNG.normal(0, 0.3, (classes, channels)), "bias": RNG.normal(size=classes)}
    add(classifier, head)
    return state


def numpy_conv(x, kernel, stride, padding):
    """``x``: (n, channels, height, width); ``kernel``: (out, in, size, size)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], kernel)


def numpy_norm(x, state, name):
    def wide(key):
        return state[f"{name}.{key}"][:, None, None].astype(np.float64)

    scaled = (x - wide("running_mean")) / np.sqrt(wide("running_var") + 1e-5)
    return scaled * wide("weight") + wide("bias")


def numpy_forward(spec, state, images, *, shortcut, classifier):
    """Logits by NumPy in double precision; ``images``: (n, 3, height, width)."""
    imagenet = spec.stem == "imagenet"
    x = numpy_conv(images, state["conv1.weight"], 2 if imagenet else 1, 3 if imagenet else 1)
    x = np.maximum(numpy_norm(x, state, "bn1"), 0)
    if imagenet:
        x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
        x = windows[:, :, ::2, ::2].max((-1, -2))
    for stage, count in enumerate(spec.stage_blocks):
        for block in range(count):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            y = numpy_conv(x, state[f"{name}.conv1.weight"], stride, 1)
            y = np.maximum(numpy_norm(y, state, f"{name}.bn1"), 0)
            y = numpy_norm(numpy_conv(y, state[f"{name}.conv2.weight"], 1, 1), state, f"{name}.bn2")
            if f"{name}.{shortcut}.0.weight" in state:
                x = numpy_conv(x, state[f"{name}.{shortcut}.0.weight"], stride, 0)
                x = numpy_norm(x, state, f"{name}.{shortcut}.1")
            elif y.shape != x.shape:
                gained = y.shape[1] - x.shape[1]
                before = gained // 2 if spec.zero_pad == "both" else 0
                x = x[:, :, ::stride, ::stride]
                x = np.pad(x, ((0, 0), (before, gained - before), (0, 0), (0, 0)))
            x = np.maximum(x + y, 0)
    pooled = x.mean((2, 3))
    return pooled @ state[f"{classifier}.weight"].T + state[f"{classifier}.bias"]


@pytest.mark.parametrize(
    ("option", "stem", "zero_pad"),
    [("A", "cifar", "both"), ("A", "cifar", "end"), ("B", "cifar", None), ("B", "imagenet", None)],
)
def test_torch_style_weights_give_numpys_logits(option, stem, zero_pad):
    names = (
        {"shortcut": "shortcut", "classifier": "linear"}
        if stem == "cifar"
        else {"shortcut": "downsample", "classifier": "fc"}
    )
    fields = {"zero_pad": zero_pad} if zero_pad else {}
    spec = net(
        stem=stem,
        block="basic",
        stage_blocks=[2, 1, 1],
        stage_widths=[8, 16, 32],
        shortcut=option,
        **fields,
    )
    state = random_state(spec, **names)
    images = RNG.normal(size=(4, 3, 32, 32))
    model = build_model(spec, (32, 32, 3), 10)
    load_reference_weights(model, state)
    ours = np.asarray(model(images.transpose(0, 2, 3, 1).astype(np.float32), training=False))
    wanted = numpy_forward(spec, state, images, **names)
    assert np.abs(wanted).max() > 0.5
    np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_a_parallel_models_prefix_is_dropped():
    spec = net(depth=8)
    state = random_state(spec, shortcut="shortcut", classifier="linear", prefix="module.")
    model = build_model(spec, (32, 32, 3), 10)
    load_reference_weights(model, state)
    np.testing.assert_array_equal(
        model.get_layer("classifier").kernel, state["module.linear.weight"].T
    )


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_keras_applications_give_our_logits(depth):
    theirs = getattr(keras.applications, f"ResNet{depth}")(
        weights=None, classes=100, classifier_activation=None
    )
    for weight in theirs.weights:
        key = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean"}.get(weight.name)
        if weight.name == "moving_variance":
            # As large as an untrained net's responses, so that the logits stay moderate.
            weight.assign(RNG.uniform(1.0, 3.0, weight.shape))
        elif key:
            weight.assign(random_norm(weight.shape[0])[key])
        elif weight.name == "bias":
            weight.assign(RNG.normal(0, 0.1, weight.shape))
    spec = net(
        stem="imagenet",
        depth=depth,
        shortcut="B",
        conv_bias=True,
        batch_norm={"epsilon": 1.001e-5},
    )
    ours = build_model(spec, (224, 224, 3), 100)
    load_reference_weights(ours, keras_applications_weights(theirs))
    images = RNG.normal(size=(2, 224, 224, 3)).astype(np.float32)
    wanted, got = np.asarray(theirs(images)), np.asarray(ours(images))
    assert np.ptp(wanted, axis=1).min() > 0.05
    assert np.abs(got - wanted).max() < 1e-4


def test_what_does_not_fit_is_refused_and_changes_nothing():
    spec = net(depth=8)
    model = build_model(spec, (32, 32, 3), 10)
    before = model.get_weights()
    state = random_state(spec, shortcut="shortcut", classifier="linear")
    without = {name: array for name, array in state.items() if name != "layer2.0.bn1.bias"}
    misshapen = {**state, "linear.weight": np.zeros((10, 63), np.float32)}
    for arrays, said in (
        (without, r"Missing: layer2\.0\.bn1\.bias\. Unexpected: none"),
        ({**state, "layer9.0.conv1.weight": np.zeros(1)}, r"Unexpected: layer9\.0\.conv1\.weight"),
        (misshapen, r"linear\.weight must have shape \(10, 64\)\. Received: \(10, 63\)"),
    ):
        with pytest.raises(ValueError, match=said):
            load_reference_weights(model, arrays)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("layer2.0.shortcut.0.weight", "layer2.0.downsample.0.weight"),
        ("linear.bias", "fc.bias"),
        ("conv1.weight", "module.conv1.weight"),
    ],
)
def test_a_weight_that_is_named_twice_is_refused(one, two):
    spec = net(depth=8, shortcut="B")
    model = build_model(spec, (32, 32, 3), 10)
    state = random_state(spec, shortcut="shortcut", classifier="linear")
    with pytest.raises(ValueError, match=f"each weight once. Received: {one} and {two}"):
        load_reference_weights(model, {**state, two: state[one]})


@pytest.mark.parametrize("option", ["none", "A", "C"])
def test_weights_go_out_and_in_again(option):
    spec = net(depth=8, shortcut=option)
    one, two = build_model(spec, (32, 32, 3), 10), build_model(spec, (32, 32, 3), 10)
    load_reference_weights(two, reference_weights(one))
    for first, second in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def torch_net(torch, *, bottleneck, option, stages, widths, stem):
    """A ResNet written in PyTorch, with the names that its state dicts have."""
    nn = torch.nn

    class Shortcut(nn.Module):
        def __init__(self, gained):
            super().__init__()
            self.gained = gained

        def forward(self, x):
            half = self.gained // 2
            return nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, self.gained - half))

    class Block(nn.Module):
        def __init__(self, channels, width, stride):
            super().__init__()
            out = width * 4 if bottleneck else width
            shapes = (
                [(channels, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
                if bottleneck
                else [(channels, width, 3, stride), (width, width, 3, 1)]
            )
            self.count = len(shapes)
            for i, (a, b, size, step) in enumerate(shapes, start=1):
                setattr(self, f"conv{i}", nn.Conv2d(a, b, size, step, size // 2, bias=False))
                setattr(self, f"bn{i}", nn.BatchNorm2d(b))
            path = nn.Sequential()
            if stride > 1 or channels != out:
                path = (
                    Shortcut(out - channels)
                    if option == "A"
                    else nn.Sequential(
                        nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
                    )
                )
            setattr(self, "downsample" if stem == "imagenet" else "shortcut", path)
            self.out = out

        def forward(self, x):
            y = x
            for i in range(1, self.count + 1):
                y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
                y = torch.relu(y) if i < self.count else y
            path = self.downsample if stem == "imagenet" else self.shortcut
            return torch.relu(y + path(x))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            big = stem == "imagenet"
            self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False) if big else None
            self.conv1 = self.conv1 or nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(widths[0])
            channels = widths[0]
            for stage, (count, width) in enumerate(zip(stages, widths, strict=True), start=1):
                made = []
                for index in range(count):
                    made.append(Block(channels, width, 2 if stage > 1 and index == 0 else 1))
                    channels = made[-1].out
                setattr(self, f"layer{stage}", nn.Sequential(*made))
            setattr(self, "fc" if big else "linear", nn.Linear(channels, 10))

        def forward(self, x):
            x = torch.relu(self.bn1(self.conv1(x)))
            x = nn.functional.max_pool2d(x, 3, 2, 1) if stem == "imagenet" else x
            for stage in range(1, len(stages) + 1):
                x = getattr(self, f"layer{stage}")(x)
            return (self.fc if stem == "imagenet" else self.linear)(x.mean((2, 3)))

    return Net()


@pytest.mark.parametrize(
    ("option", "stem", "depth"), [("A", "cifar", 20), ("B", "cifar", 20), ("B", "imagenet", 50)]
)
def test_torch_models_give_our_logits(option, stem, depth):
    torch = pytest.importorskip("torch", reason="needs PyTorch: tox -e peers")
    fields = {"zero_pad": "both"} if option == "A" else {}
    if depth == 50:
        fields["bottleneck_stride"] = "3x3"  # As PyTorch's own nets have it.
    spec = net(stem=stem, depth=depth, shortcut=option, **fields)
    torch.manual_seed(0)
    theirs = torch_net(
        torch,
        bottleneck=spec.block == "bottleneck",
        option=option,
        stages=spec.stage_blocks,
        widths=spec.stage_widths,
        stem=stem,
    )
    size = 32 if stem == "cifar" else 96
    images = torch.randn(8, 3, size, size)
    theirs.train()
    for _ in range(3):
        theirs(images)  # Moving statistics that are not the initial ones.
    theirs.eval()
    with torch.no_grad():
        wanted = theirs(images).numpy()
    model = build_model(spec, (size, size, 3), 10)
    load_reference_weights(model, {k: v.numpy() for k, v in theirs.state_dict().items()})
    ours = np.asarray(model(images.numpy().transpose(0, 2, 3, 1), training=False))
    assert np.ptp(wanted, axis=1).min() > 0.05
    np.testing.assert_allclose(ours, wanted, atol=1e-4)
