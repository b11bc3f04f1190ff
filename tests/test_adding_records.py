"""What is copied into the reference, and what never is."""

import json
import platform

import pytest
from made_records import made_cell, made_suite, record

from benchmark.records import adding
from benchmark.records.adding import add_records
from benchmark.records.files import write_json
from benchmark.records.journal import Journal, read_attempts
from benchmark.records.problems import RecordsError
from benchmark.records.store import Store
from benchmark.report.suite_report import write_report


@pytest.fixture
def results(tmp_path):
    """Of a suite of two seeds of two nets, of which one run has not ended."""
    store = Store(tmp_path / "results")
    cells = [made_cell(depth=depth, seed=seed) for depth in (20, 32) for seed in (0, 1)]
    made_suite(store, "made", cells)
    for cell in cells[:3]:
        record(store, cell, final_error_percent=8.0 + cell.seed)
    return store, cells


@pytest.fixture
def reference(tmp_path):
    return Store(tmp_path / "reference")


def test_ended_runs_alone_are_copied_and_later_those_that_have_ended_since(results, reference):
    store, cells = results
    store.run(cells[3]).prepare(cells[3].spec)
    store.run(cells[3]).begin()
    first = add_records(store, "made", reference)
    assert len(first.added) == 3 and first.left == [cells[3].run_id]
    assert not reference.run(cells[3]).path.exists()
    record(store, cells[3])
    again = add_records(store, "made", reference)
    assert (again.added, len(again.there), again.left) == ([cells[3].run_id], 3, [])
    assert reference.suite("made").plan() == store.suite("made").plan()


def test_a_failed_run_is_left_out_and_counted(results, reference):
    store, cells = results
    record(store, cells[3], status="failed")
    done = add_records(store, "made", reference)
    assert done.failed == [cells[3].run_id] and not done.left


def test_the_copy_tells_the_same_and_its_report_is_made_from_it_alone(results, reference):
    store, cells = results
    add_records(store, "made", reference)
    for cell in cells[:3]:
        ours, theirs = reference.run(cell), store.run(cell)
        assert ours.result() == theirs.result() and ours.spec() == theirs.spec()
        assert ours.events() == theirs.events()
    ours, theirs = write_report(reference, "made"), write_report(store, "made")
    for one, other in zip(ours.files, theirs.files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_what_is_there_with_other_bits_stays(results, reference):
    store, cells = results
    record(reference, cells[0], final_error_percent=55.0)
    done = add_records(store, "made", reference)
    assert done.others == [cells[0].run_id] and len(done.added) == 2
    assert reference.run(cells[0]).result()["final_error_percent"] == 55.0


def test_a_copy_that_was_cut_off_is_made_again(results, reference, monkeypatch):
    store, cells = results
    names = [name.name for name in store.run(cells[0]).path.iterdir() if name.is_file()]
    for stops_at in range(1, len(names)):
        left = iter(range(stops_at))

        def write(path, text, left=left, whole=adding.write_text):
            if next(left, None) is None:
                raise KeyboardInterrupt
            whole(path, text)

        with monkeypatch.context() as patch:
            patch.setattr(adding, "write_text", write)
            with pytest.raises(KeyboardInterrupt):
                add_records(store, "made", reference)
        assert reference.run(cells[0]).result() is None
    assert len(add_records(store, "made", reference).added) == 3
    assert reference.run(cells[0]).events() == store.run(cells[0]).events()


def test_a_test_that_was_made_later_is_added_to_a_run_that_is_there(results, reference):
    store, cells = results
    add_records(store, "made", reference)
    first, other = store.run(cells[0]), store.run(cells[1])
    record(reference, cells[1], final_error_percent=55.0)  # Other bits.
    for folder in (first, other):
        errors = {"error_percent": 7.0, "images": 10_000}
        write_json(folder.evaluations / "ten-crop" / "result.json", errors)
    again = add_records(store, "made", reference)
    assert cells[0].run_id in again.there and again.others == [cells[1].run_id]
    assert reference.run(cells[0]).tested() == first.tested() != {}
    assert reference.run(cells[1]).tested() == {}


def test_only_the_last_attempt_is_copied(results, reference):
    store, cells = results
    folder = store.run(cells[0])
    text = folder.journal.read_text()
    folder.journal.write_text('{"event": "start", "attempt": 0, "time": 0.0}\n' + text)
    add_records(store, "made", reference)
    assert reference.run(cells[0]).journal.read_text() == text


def _begun_with(folder, event):
    """The journal with an event more at its beginning."""
    events = next(read_attempts(folder.journal))
    folder.journal.unlink()
    for each in [events[0], event, *events[1:]]:
        Journal(folder.journal).restore(each)


def test_paths_of_messages_are_cut_to_their_last_part(results, reference):
    store, cells = results
    path = "/home/somebody/results/runs/abc/checkpoints/391"
    refused = {"event": "refused", "reason": f"{path}: torn, 1/2 of it", "time": 0.5}
    _begun_with(store.run(cells[0]), refused)
    add_records(store, "made", reference)
    event = next(read_attempts(reference.run(cells[0]).journal))[1]
    assert event["reason"] == "391: torn, 1/2 of it"


@pytest.mark.parametrize("told", ["path", "host"])
def test_what_tells_of_the_machine_is_refused(results, reference, told, monkeypatch):
    store, cells = results
    monkeypatch.setattr(platform, "node", lambda: "somebodys-host")
    value = {"path": "--dir=/home/somebody/x", "host": "on somebodys-host"}[told]
    folder = store.run(cells[0])
    changed = folder.provenance() | {"flags": {"XLA_FLAGS": value}}
    write_json(folder.path / "provenance.json", changed)
    with pytest.raises(RecordsError, match=r"provenance\.json"):
        add_records(store, "made", reference)
    assert not reference.run(cells[0]).path.exists()


def test_a_commit_or_a_version_tells_of_no_machine(results, reference):
    store, cells = results
    assert len(add_records(store, "made", reference).added) == 3
    text = (reference.run(cells[0]).path / "provenance.json").read_text()
    assert json.loads(text) == store.run(cells[0]).provenance()


def test_curves_that_were_changed_are_refused(results, reference):
    store, cells = results
    journal = store.run(cells[0]).journal
    journal.write_text(journal.read_text().replace('"learning_rate": 0.1', '"learning_rate": 0.2'))
    with pytest.raises(RecordsError):
        add_records(store, "made", reference)


def test_a_spec_of_another_id_is_refused(results, reference):
    store, cells = results
    write_json(store.run(cells[0]).path / "spec.json", cells[1].spec.model_dump(mode="json"))
    with pytest.raises(RecordsError, match=cells[1].run_id):
        add_records(store, "made", reference)


def test_weights_are_of_the_first_seed_checked_and_few(results, reference, monkeypatch):
    store, cells = results
    for cell in cells[:3]:
        store.run(cell).weights.write_bytes(b"w" * 100)
        store.run(cell).preprocessing.write_bytes(b"p" * 10)
    checked = []
    monkeypatch.setattr(adding, "MAX_WEIGHTS_BYTES", 150)
    done = add_records(store, "made", reference, lambda folder: checked.append(folder.run_id))
    assert checked == done.weights == [cells[0].run_id]  # The second net's are too many.
    kept = sorted(path.name for path in reference.root.glob("runs/*/*.safetensors"))
    assert kept == ["preprocessing.safetensors", "weights.safetensors"]
    again = add_records(store, "made", reference, lambda folder: checked.append(folder.run_id))
    assert again.weights == done.weights and len(checked) == 1


def test_weights_of_one_seed_are_enough_and_of_the_first_that_has_any(results, reference):
    store, cells = results
    store.run(cells[1]).weights.write_bytes(b"w")  # Those of the first seed are gone.
    asked = {"check_weights": lambda folder: None}
    assert add_records(store, "made", reference, **asked).weights == [cells[1].run_id]
    store.run(cells[0]).weights.write_bytes(b"w")
    assert add_records(store, "made", reference, **asked).weights == [cells[1].run_id]
    assert len(list(reference.root.glob("runs/*/*.safetensors"))) == 1


def test_without_asking_there_are_no_weights(results, reference):
    store, cells = results
    store.run(cells[0]).weights.write_bytes(b"w")
    add_records(store, "made", reference)
    assert not list(reference.root.glob("runs/*/*.safetensors"))


def test_a_cell_keeps_the_recorded_run_of_an_earlier_plan(results, reference):
    store, cells = results
    add_records(store, "made", reference)
    threads = {"numerics": {"threads": 2}}
    made_suite(store, "made", [made_cell(depth=20, seed=seed, **threads) for seed in (0, 1)])
    record(store, made_cell(depth=20, seed=1, **threads))
    add_records(store, "made", reference)
    ids = [cell["run_id"] for cell in reference.suite("made").plan()["cells"]]
    assert ids == [cells[0].run_id, made_cell(depth=20, seed=1, **threads).run_id]
