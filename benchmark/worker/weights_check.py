"""Check of the weights that runs start from: ``python -m benchmark.worker.weights_check
RUNS_FOLDER``, a separate process, so that the caller need not load Keras and takes no GPU.

Reads from standard input a JSON list of ``[spec, source]``: a run's spec, and that of the run that
it starts from if that one is still to be trained, or null. Writes a line of JSON for each:
``problem`` (empty if all is well), and what was loaded, ``told``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.records.problems import one_line
from benchmark.spec import RunSpec
from benchmark.worker.environment import load_libraries, of_worker
from benchmark.worker.main import claim_stdout


class Weights(NamedTuple):
    """The result of checking one spec's weights."""

    problem: str
    """Why they cannot be used; empty if they can."""
    told: str
    """A description of what was loaded, and of possible problems."""


def weights_of(asked: Iterable[tuple[RunSpec, RunSpec | None]], runs: Path) -> list[Weights]:
    """Check the weights of specs with pretrained weights. ``asked``: each with the spec of the run
    that it starts from, if that is not trained yet. ``runs``: the folder of the runs."""
    specs = [
        [spec.model_dump(mode="json"), source and source.model_dump(mode="json")]
        for spec, source in asked
    ]
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__, str(runs)],
        input=json.dumps(specs),
        capture_output=True,
        text=True,
        env=of_worker(os.environ) | {"CUDA_VISIBLE_DEVICES": "-1"},
        check=False,
    )
    found = [Weights(**json.loads(line)) for line in done.stdout.splitlines()]
    if len(found) != len(specs):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        found.append(Weights(f"the pretrained weights cannot be checked: {last}", ""))
    return found


def main(runs: Path) -> None:
    """Check the specs on standard input; see above."""
    load_libraries()
    answers = claim_stdout()
    for spec, source in json.load(sys.stdin):
        found = checked(
            RunSpec.model_validate(spec), source and RunSpec.model_validate(source), runs
        )
        print(json.dumps(found._asdict()), file=answers, flush=True)


def checked(spec: RunSpec, source: RunSpec | None, runs: Path) -> Weights:
    """Load a spec's weights and set its net's weights to them, in this process."""
    import keras

    from benchmark.data.images import DataError
    from benchmark.detection import first_weights as detector
    from benchmark.models import pretrained as classifier
    from benchmark.training.net import build_net
    from benchmark.training.weights import weight_arrays
    from benchmark.worker.pretrained import pretrained_of

    assert spec.pretrained
    keras.config.set_dtype_policy("float32")
    try:
        found = None if source else pretrained_of(spec, runs)
        arrays: Any = weight_arrays(build_net(source)) if source else found and found.arrays
        start_from = detector.start_from if spec.detector else classifier.start_from
        start_from(build_net(spec), spec.pretrained, arrays)
    except DataError as error:
        return Weights(str(error), "")
    except ValueError as error:
        return Weights(f"{spec.pretrained.name}: {error}", "")
    except Exception as error:
        return Weights(f"{spec.pretrained.name}: {one_line(error)}", "")
    finally:
        keras.utils.clear_session(free_memory=True)
    if found is None:
        return Weights("", "")
    numbers = sum(array.size for array in arrays.values())
    note = f"; {found.note}" if found.note else ""
    return Weights(
        "", f"{spec.pretrained.name}: {len(arrays)} arrays, {numbers:,} numbers, which fit{note}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
