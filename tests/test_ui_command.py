"""How MLflow's UI is started."""

import os

from benchmark.commands.ui import ui
from benchmark.proof.storm.server import free_port
from benchmark.tracking import server as tracking


def test_the_ui_is_started_without_jobs_and_its_words_tell_no_address(tmp_path, monkeypatch):
    started = {}

    def execve(path, words, environment):
        started.update(words=words, environment=environment)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(tracking, "suite_links", lambda uri, server: {})
    uri = "postgresql://ann:s3cret@host/db"
    ui(results=tmp_path, tracking_uri=uri, port=free_port())
    assert started["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert started["environment"]["MLFLOW_BACKEND_STORE_URI"] == uri
    assert not any("s3cret" in word for word in started["words"])
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" not in started["environment"]
    ui(results=tmp_path, tracking_uri=uri, port=free_port(), host="0.0.0.0")
    assert started["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"] == "*"
    assert started["environment"]["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] == "*"
