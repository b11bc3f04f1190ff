"""What a person sees in MLflow's UI, in headless Chromium."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path("docs").resolve()))

from screenshots import CHROMIUM, FLAGS, served


@pytest.fixture(scope="module")
def ui(ran):
    """The UI of the tiny suite's records: its address, and the suites' links."""
    with served(ran.results) as there:
        yield there


@pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium; on Debian or Ubuntu: apt-get install chromium"
)
def test_the_suites_page_shows_variants_and_their_curves(ui):
    from playwright.sync_api import sync_playwright

    link = ui[1]["tiny"]
    assert link.startswith("http://127.0.0.1:")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.goto(link)
        for name in ("resnet6/seed0", "plain6/seed0", "diverges/seed0"):
            page.get_by_role("link", name=name).first.wait_for(timeout=60_000)
        page.get_by_text("Model metrics").wait_for(timeout=60_000)
        page.get_by_text("images_per_s", exact=True).first.wait_for(timeout=60_000)
        assert page.get_by_role("link", name="plain6/seed0").count() >= 1
        assert page.get_by_text("Evaluation runs").count() == 0  # Of the view for LLMs.
        browser.close()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_the_ui_listens_on_this_machine_alone(ui):
    port = urlsplit(ui[0]).port
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    mine = {
        address.split(":")[0] for address in listening if int(address.split(":")[1], 16) == port
    }
    assert mine == {"0100007F"}  # 127.0.0.1, its bytes reversed.
