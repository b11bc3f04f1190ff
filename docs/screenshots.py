"""The pictures of MLflow's UI in docs/images, made from a results folder.

    python docs/screenshots.py RESULTS [SUITE]

RESULTS holds the records of SUITE (quickstart, unless stated) and is only read: the UI shows a
copy, whose mirror is built first. Needs Chromium and the package playwright, and takes a minute.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from playwright.sync_api import Page, sync_playwright

from benchmark.proof.storm.server import free_port, wait_for

IMAGES = Path(__file__).parent / "images"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WIDTH = 1600

HEIGHTS = {"table": 480, "chart": 1080, "compare": 720, "note": 590}
"""Pixels. Further down a run's page tells on which machine the results folder lies."""

COLUMNS = ("test_error_percent", "train_error_percent", "model.shortcut")
"""Of the table, that are added to those which it has at first."""


def main(results: Path, suite: str = "quickstart") -> None:
    """Take all of them."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "results"
        for name in ("runs", suite):
            shutil.copytree(results / name, copy / name)
        bench = [sys.executable, "-m", "benchmark"]
        subprocess.run([*bench, "sync", suite, "--results", str(copy)], check=True)
        client = MlflowClient(f"sqlite:///{copy}/mlflow.db")
        experiment = client.get_experiment_by_name(suite).experiment_id
        runs = client.search_runs([experiment])
        parent, *_ = [run.info.run_id for run in runs if "mlflow.parentRunId" not in run.data.tags]
        children = [run.info.run_id for run in runs if "mlflow.parentRunId" in run.data.tags]
        with served(copy) as (server, links), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": WIDTH, "height": 720}, color_scheme="light")
            prepare(page, links[suite])
            table = links[suite].replace("CHART", "TABLE")
            choose_columns(page, table, COLUMNS)
            take(page, None, "table", "text=test_error_percent")
            take(page, links[suite], "chart", "text=Model metrics")
            chosen = ",".join(f'"{run}"' for run in children[:3])
            training = "workflowType=machine_learning"
            compare = f"{server}/#/compare-runs?runs=[{chosen}]&experiments=[%22{experiment}%22]"
            differing = ("Visualizations", "Run details", "Show diff only")
            take(page, f"{compare}&{training}", "compare", "text=Parameters", differing)
            place = f"{server}/#/experiments/{experiment}/runs/{parent}?{training}"
            take(page, place, "note", "text=Description", ("Show more",))
            browser.close()


def prepare(page: Page, url: str) -> None:
    """The UI as somebody has it who trains nets: without the assistant; it remembers both."""
    page.goto(url)
    page.get_by_text("Model training").first.click(timeout=90_000)
    page.wait_for_timeout(3_000)
    assistant = page.locator("[data-component-id='mlflow.assistant.chat_panel.close']")
    if assistant.count():
        assistant.click()


def choose_columns(page: Page, url: str, names: tuple[str, ...]) -> None:
    """Open the table of runs, and add columns."""
    page.goto("about:blank")
    page.goto(url)
    page.locator("a[href*='/runs/']").first.wait_for(timeout=90_000)
    page.wait_for_timeout(5_000)  # The list of columns is that of the runs which are there.
    page.get_by_role("button", name="Columns").first.click()
    for name in names:
        page.get_by_placeholder("Search columns").fill(name)
        page.wait_for_timeout(1_000)
        row = page.locator("[class*=tree-treenode]").filter(has=page.get_by_text(name, exact=True))
        row.locator("[class$=tree-checkbox]").first.click()
    page.keyboard.press("Escape")


def take(page: Page, url: str | None, name: str, shown: str, clicks: tuple[str, ...] = ()) -> None:
    """One picture, of ``url`` or of what is open, once ``shown`` is there and the page has settled;
    ``clicks``: texts to be clicked before."""
    if url:
        page.goto("about:blank")  # Else only the fragment changes, and the page stays.
        page.goto(url)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHTS[name]})
    page.locator(shown).first.wait_for(timeout=90_000)
    page.wait_for_timeout(6_000)
    for text in clicks:
        page.get_by_text(text).first.click()
        page.wait_for_timeout(1_000)
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=IMAGES / f"mlflow-{name}.png")
    print(IMAGES / f"mlflow-{name}.png")


@contextmanager
def served(results: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The UI of a results folder: its address, and each suite's link."""
    port, log = free_port(), results.parent / "ui.log"
    command = [sys.executable, "-m", "benchmark", "ui", f"--results={results}", f"--port={port}"]
    with log.open("w") as file:
        ui = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    try:
        wait_for(ui, port, log)
        links = dict(re.findall(r"^([\w+.=-]+): (http\S+)$", log.read_text(), re.MULTILINE))
        yield f"http://127.0.0.1:{port}", links
    finally:
        os.killpg(ui.pid, signal.SIGTERM)
        ui.wait(30)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
