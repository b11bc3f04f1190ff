"""Passwords in the addresses of tracking servers are printed nowhere."""

import pytest
from conftest import bench
from made_records import made_cell, made_suite, record

from benchmark.commands.run import words_of_records
from benchmark.listening.mirroring import BackgroundMirror
from benchmark.records.problems import TrackingError, masked, one_line, without_credentials
from benchmark.records.store import Store
from benchmark.suite import Plan
from benchmark.tracking.server import reaching

SECRET = "s3cr%40t/Pass"
URIS = [
    f"http://ann:{SECRET}@127.0.0.1:9",
    f"postgresql://ann:{SECRET}@127.0.0.1:9/db",
    f"mysql+pymysql://:{SECRET}@127.0.0.1:9/db",
    f"https://{'s3cr%40tPass'}@127.0.0.1:9",
    f"postgresql://127.0.0.1:9/db?user=ann&password={SECRET}",
    f"http://127.0.0.1:9/?api_key={SECRET}",
]


def told(text):
    return "s3cr" in text


@pytest.mark.parametrize("uri", URIS)
def test_an_address_is_masked_wherever_it_stands(uri):
    for text in (uri, f"cannot reach '{uri}', given up", f"--tracking-uri {uri} --results x"):
        assert told(text) and not told(masked(text))
        assert "127.0.0.1:9" in masked(text)
    assert not told(one_line(ValueError(f"no {uri}")))


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000/#/experiments/1?a=b",
        "http://127.0.0.1:5000/#/experiments/1/runs?orderByKey=metrics.%60x%60&orderByAsc=true",
        "sqlite+pysqlite:////home/a:b@c/mlflow.db",
        "ann@host: see http://host:5000 or mail",
    ],
)
def test_what_holds_no_password_stays(text):
    assert masked(text) == text


def test_a_password_that_a_library_has_decoded_is_masked():
    with pytest.raises(TrackingError) as raised, reaching(URIS[0]):
        raise ConnectionError("401 for ann and s3cr@t/Pass")
    assert not told(str(raised.value)) and "127.0.0.1:9" in str(raised.value)


def test_why_a_mirror_is_behind_tells_no_password(tmp_path):
    store, cell = Store(tmp_path), made_cell()
    made_suite(store, "mine", [cell])
    mirror = BackgroundMirror(store, Plan("mine", (cell,)), "foo://ann:s3cretPass@x")
    mirror.close(patience=60)
    assert mirror.problem and "s3cret" not in mirror.problem


def test_a_servers_links_are_without_credentials():
    assert without_credentials("https://ann:a@b@host:5000/x@y") == "https://host:5000/x@y"
    assert without_credentials("http://host") == "http://host"


def test_what_came_from_the_environment_is_in_no_command(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URIS[0])
    assert words_of_records(tmp_path, URIS[0]) == ["--results", str(tmp_path)]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    assert words_of_records(tmp_path, URIS[0])[2:] == ["--tracking-uri", URIS[0]]


@pytest.mark.parametrize("uri", URIS[:2])
def test_commands_print_no_password(tmp_path, uri):
    store, cell = Store(tmp_path / "results"), made_cell()
    record(store, cell)
    made_suite(store, "mine", [cell])
    for words in (("sync", "mine"), ("report", "mine"), ("ui",)):
        done = bench(*words, "--results", store.root, MLFLOW_TRACKING_URI=uri)
        assert done.returncode == 2
        assert not told(done.stdout + done.stderr)
        assert "127.0.0.1:9" in done.stderr
