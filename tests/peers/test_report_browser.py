"""A report as a real browser draws it, offline, by day and by night."""

import subprocess
from pathlib import Path

import pytest
from matplotlib.image import imread

from config.composition.laboratory import LIBRARY
from sim.benchmark import Matrix, run_matrix
from sim.report.benchmark_report import write_benchmark_report
from tests.peers import require

pytestmark = pytest.mark.peer

_QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _shot(page: Path, folder: Path, scheme: int) -> tuple[float, int]:
    """The brightness of the page's edge, and how many colours it has."""
    image = folder / f"scheme-{scheme}.png"
    subprocess.run(
        [
            "chromium",
            *_QUIET,
            f"--user-data-dir={folder / f'profile-{scheme}'}",
            f"--blink-settings=preferredColorScheme={scheme}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--window-size=1180,1800",
            f"--screenshot={image}",
            page.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    pixels = imread(image)
    colours = {tuple(pixel) for pixel in pixels[::7, ::7, :3].reshape(-1, 3).tolist()}
    return float(pixels[:, :8, :3].mean()), len(colours)


def test_a_browser_draws_the_page_by_day_and_by_night(tmp_path: Path) -> None:
    require("chromium")
    matrix = Matrix(("base",), ("progressive", "power:3"), (4,), 0.3, 2, 1)
    page = write_benchmark_report(
        run_matrix(matrix, LIBRARY, workers=1), "run.py benchmark", {}, tmp_path / "page"
    )
    day, colours = _shot(page, tmp_path, 1)
    night, _ = _shot(page, tmp_path, 0)
    assert day > 0.9
    assert night < 0.15
    assert colours > 50  # pictures are there, not only text
