"""Export the compiled loop over steps of a ResNet for CIFAR-10, as HLO."""

from pathlib import Path

from benchmark.spec import CifarSpec, RunSpec


def export(depth: int, precision: str, steps: int, file: Path) -> None:
    """Write the HLO that XLA is given for ``steps`` steps. Call it in a process of its own."""
    from benchmark.data import cifar10, resident
    from benchmark.models.build import build_model
    from benchmark.training import process
    from benchmark.training.classification import CrossEntropy
    from benchmark.training.loss_scale import LossScale
    from benchmark.training.optimizers.sgd import Momentum
    from benchmark.training.replicas import Replicas
    from benchmark.training.step import TrainingSteps

    spec = RunSpec.model_validate(
        {
            "dataset": {"name": "cifar10-subset"},
            "model": {"stem": "cifar", "depth": depth, "shortcut": "A"},
            "numerics": {"precision": precision, "xla": True},
            "seed": 0,
        }
    )
    process.configure(spec.numerics, spec.seed)
    assert isinstance(spec.dataset, CifarSpec)
    images = resident.ResidentImages(spec.dataset, cifar10.load("cifar10-subset"), on_gpu=True)
    model = build_model(spec.model, (32, 32, 3), 10)
    optimizer = Momentum(spec.optimizer, model.trainable_weights)
    objective, scale = CrossEntropy(model, [images]), LossScale(spec.numerics.loss_scale)
    compiled = TrainingSteps(objective, optimizer, scale, Replicas(1), xla=True).compiled
    assert compiled is not None
    import tensorflow as tf

    inputs = images.train_inputs(0, spec.optimizer.batch_size, 0, steps)
    ir = compiled.experimental_get_compiler_ir(tf.fill((steps,), 0.1), *inputs)
    file.write_bytes(ir(stage="hlo_serialized"))
