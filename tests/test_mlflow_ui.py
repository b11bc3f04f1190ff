"""What a person sees in MLflow's UI, in headless Chromium."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.proof.storm.server import free_port, wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def ui(ran):
    """The UI of the tiny suite's records: the output of the command once it answers."""
    port = free_port()
    log = ran.results.parent / "ui.log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmark", "ui"]
            + [f"--results={ran.results}", f"--port={port}"],
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    try:
        wait_for(server, port, log)
        yield log.read_text()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium; on Debian or Ubuntu: apt-get install chromium"
)
def test_the_suites_page_shows_variants_and_their_curves(ui):
    from playwright.sync_api import sync_playwright

    link = re.search(r"^tiny: (http://127\.0\.0\.1\S+)$", ui, re.MULTILINE).group(1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.goto(link)
        for name in ("resnet8/seed0", "plain8/seed0", "diverges/seed0"):
            page.get_by_role("link", name=name).first.wait_for(timeout=60_000)
        page.get_by_text("Model metrics").wait_for(timeout=60_000)
        page.get_by_text("images_per_s", exact=True).first.wait_for(timeout=60_000)
        assert page.get_by_role("link", name="plain8/seed0").count() >= 1
        assert page.get_by_text("Evaluation runs").count() == 0  # Of the view for LLMs.
        browser.close()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_the_ui_listens_on_this_machine_alone(ui):
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)", ui).group(1))
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    mine = {
        address.split(":")[0] for address in listening if int(address.split(":")[1], 16) == port
    }
    assert mine == {"0100007F"}  # 127.0.0.1, its bytes reversed.
