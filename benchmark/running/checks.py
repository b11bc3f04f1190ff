"""Check what a suite's runs need before the first one starts: images, boxes, weights."""

from collections.abc import Callable, Collection, Iterable, Mapping

from benchmark.data import sources
from benchmark.data.detection import registry
from benchmark.data.detection.training_images import trained
from benchmark.data.images import DataError
from benchmark.problems import InputError
from benchmark.records.store import Store
from benchmark.running.images import require_images
from benchmark.spec import RunSpec
from benchmark.status import Status
from benchmark.worker.weights_check import weights_of


def require_usable(
    specs: Iterable[RunSpec],
    store: Store,
    *,
    planned: Mapping[str, RunSpec] | None = None,
    due: Collection[str] = (),
    say: Callable[[str], None],
) -> None:
    """Raise InputError, before anything is written or trained, if images or weights are missing,
    are not the real ones, or do not fit.

    ``store``: the results folder. ``planned``: the suite's runs by id. ``due``: the ids of those
    still to be trained, whose weights other runs may start from."""
    asked = list(specs)
    require_images(spec.dataset for spec in asked)
    _require_boxes(asked)
    _require_weights(asked, store, planned or {}, due, say)


def _require_boxes(specs: Iterable[RunSpec]) -> None:
    seen = set()
    for spec in specs:
        data = spec.dataset
        if data.kind != "boxes":
            continue
        batch = spec.optimizer.batch_size if spec.schedule.iterations else None
        look = data.canonical_json(), batch
        # Pasted images are made on demand, with at most the stated number of objects.
        if look in seen or (data.pasted and data.pasted.max_objects <= data.max_boxes):
            continue
        seen.add(look)
        try:
            found = sources.load(data) if data.pasted else registry.find(data.name)
            trained(data, found.truths["train"], batch)
        except DataError as error:
            raise InputError(str(error)) from error


def _require_weights(
    specs: Iterable[RunSpec],
    store: Store,
    planned: Mapping[str, RunSpec],
    due: Collection[str],
    say: Callable[[str], None],
) -> None:
    asked: dict[tuple[object, ...], tuple[RunSpec, RunSpec | None]] = {}
    for spec in specs:
        own = spec.pretrained
        if own is None:
            continue
        run = own.run or ""  # No run has this id.
        source = planned.get(run) if run in due else None
        if run in planned and source is None and store.status(run) != Status.FINISHED:
            continue  # It failed: this run will fail for that reason, without stopping others.
        # One seed stands for all: their nets have the same shapes.
        name = source.model.canonical_json() if source else own.name
        data = spec.dataset
        key = (
            name,
            own.model_copy(update={"name": ""}).model_dump_json(),
            spec.model.canonical_json(),
            spec.detector and spec.detector.canonical_json(),
            data.image_shape,
            data.classes,
            source and source.dataset.classes,
        )
        asked.setdefault(key, (spec, source))
    if not asked:
        return
    say("Checking the weights that runs start from.")
    problems = []
    for found in weights_of(asked.values(), store.root / "runs"):
        if found.problem:
            problems.append(found.problem)
        elif found.told:
            say(f"pretrained: {found.told}")
    if problems:
        raise InputError("\n".join(dict.fromkeys(problems)))
