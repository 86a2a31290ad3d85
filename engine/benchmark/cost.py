"""What fine-tuning costs: seconds and peak memory of the verb, in a process of its own."""

from __future__ import annotations

import os
import shlex
import subprocess  # nosec B404
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
import shapely
from rasterio.transform import from_origin

from ..errors import EnvironmentBroken
from ..progress import Progress
from ..report.command import command_line
from ..train.fresh import CARD_BANDS
from ..training_jobs import FinetuneJob
from .protocols import Method
from .scoreboard import Scoreboard, Trial

SIDE = 1000  # pixels
POLYGONS = 10
METHODS = ("quick", "adapters", "full")
ABOUT = (
    "The verb finetune from ten polygons of two classes, 20 x 20 px each, on a scene of 1000 x 1000 "
    "pixels and nine bands, in a process of its own: from its start to the written model, export and "
    "report included. Processor seconds are those of all its threads: another program on the machine "
    "does not change them. Peak memory is that of the process."
)


def measure(
    data: Path, methods: Sequence[tuple[str, Method]], repeats: int, progress: Progress
) -> Scoreboard:
    """Measures every way of fine-tuning; made-up data, as the values do not change the cost.

    Args:
        data: Not used.
        methods: Not used: the verb itself runs.
        repeats: Runs of each, 0 = one.
        progress: Told of every run.
    """
    board = Scoreboard("Cost of fine-tuning", ABOUT)
    runs = [name for name in METHODS for _ in range(max(1, repeats))]
    with tempfile.TemporaryDirectory() as folder:
        scene, labels = write_scene(Path(folder))
        for number, name in enumerate(runs):
            progress.update(number / len(runs), f"Cost of {name}")
            seconds, busy, megabytes = run(scene, labels, name, Path(folder))
            figures = {
                "seconds": seconds,
                "processor seconds": busy,
                "peak memory, MB": megabytes,
            }
            board.add(Trial("ten polygons", "", name, figures, seconds, 0.0))
    return board


def write_scene(folder: Path) -> tuple[Path, Path]:
    """A raster of two kinds of ground side by side, and polygons on both."""
    random = np.random.default_rng(0)
    image = random.normal(900, 90, (len(CARD_BANDS), SIDE, SIDE))
    image[6:, :, SIDE // 2 :] += 1500
    scene, labels = folder / "scene.tif", folder / "labels.gpkg"
    place = from_origin(500000, 4700000, 10, 10)
    with rasterio.open(
        scene, "w", driver="GTiff", width=SIDE, height=SIDE, count=len(CARD_BANDS),
        dtype="uint16", crs="EPSG:32631", transform=place, tiled=True,
    ) as dataset:  # fmt: skip
        dataset.write(image.clip(1, 10000).astype(np.uint16))
        dataset.descriptions = tuple(band.name for band in CARD_BANDS)
    shapes, kinds = [], []
    for number in range(POLYGONS):
        column = SIDE // 10 + SIDE * 6 // 10 * (number % 2)
        x, y = place @ (column, SIDE // 10 + SIDE * 8 // 100 * number)
        shapes.append(shapely.box(x, y - 200, x + 200, y))
        kinds.append("bright" if number % 2 else "dark")
    pyogrio.raw.write(
        labels,
        shapely.to_wkb(np.array(shapes, object)),
        [np.array(kinds, object)],
        ["kind"],
        geometry_type="Polygon",
        crs="EPSG:32631",
    )
    return scene, labels


def run(scene: Path, labels: Path, method: str, folder: Path) -> tuple[float, float, float]:
    """Wall-clock seconds, processor seconds and peak memory (MB) of one fine-tuning.

    Raises:
        EnvironmentBroken: It failed.
    """
    job = FinetuneJob(
        inputs=(str(scene),),
        labels=str(labels),
        field="kind",
        method=method,
        output_model=str(folder / f"{method}.onnx"),
        output_report=str(folder / f"{method}.html"),
    )
    # The peak of the only child of a process of its own: this one's children may have been larger.
    code = (
        "import resource, subprocess, sys; "
        "done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(done.returncode, used.ru_maxrss, used.ru_utime + used.ru_stime); sys.stderr.write(done.stderr[-2000:])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started = time.perf_counter()
    done = subprocess.run(  # nosec B603
        [sys.executable, "-c", code, *shlex.split(command_line(job))[1:]],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    seconds = time.perf_counter() - started
    status, peak, busy = (done.stdout.split() or ["1", "0", "0"])[:3]
    if status != "0":
        raise EnvironmentBroken(
            f"Fine-tuning ({method}) failed while its cost was measured. Run `python -m engine "
            "doctor --tier training`.",
            details=done.stderr[-2000:],
        )
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes elsewhere
    return round(seconds, 1), round(float(busy), 1), round(int(peak) * unit / 1e6)
