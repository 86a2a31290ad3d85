"""Cost of fine-tuning: time and peak memory of the verb in a process of its own."""

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
from ..train.fresh_network import CARD_BANDS
from ..train.kept_tokens import HOME_VARIABLE, SIZE_VARIABLE
from ..training_jobs import FinetuneJob
from .protocols import FOR_THIS_IMAGE, Method
from .scoreboard import Scoreboard, Trial

SIDE = 1000  # of the scene, pixels
POLYGONS = 10
PLACE = from_origin(500000, 4700000, 10, 10)
MORE = 12  # polygons of the second run on the same scene
OTHERS = (FOR_THIS_IMAGE, "adapters", "full")
ABOUT = (
    "The verb finetune from ten polygons of two classes, 20 x 20 px each, on a scene of 1000 x 1000 "
    "pixels and nine bands, in a process of its own: from its start to the written model, export and "
    "report included. Nothing is kept from earlier runs, except for the second run with twelve "
    "polygons, which follows that with ten. CPU seconds are those of all its threads. Peak "
    "memory is that of the process; it starts no others."
)


def measure(
    data: Path, methods: Sequence[tuple[str, Method]], repeats: int, progress: Progress
) -> Scoreboard:
    """Measures every method of fine-tuning, on synthetic data, as the values do not influence the cost.

    Args:
        data: Not used.
        methods: Not used, as the verb itself runs.
        repeats: Number of runs of each; 0 = one.
        progress: Takes the progress.
    """
    board = Scoreboard("Cost of fine-tuning", ABOUT)
    rounds = range(max(1, repeats))
    runs = [
        ("quick", number, POLYGONS + more) for number in rounds for more in (0, MORE - POLYGONS)
    ]
    runs += [(name, number, POLYGONS) for name in OTHERS for number in rounds]
    with tempfile.TemporaryDirectory() as folder:
        scene, labels = write_scene(Path(folder))
        more = write_labels(Path(folder), MORE)
        for number, (name, turn, polygons) in enumerate(runs):
            progress.update(number / len(runs), f"Cost of {name}")
            home = Path(folder) / f"{name} {turn}"
            given = labels if polygons == POLYGONS else more
            seconds, busy, megabytes = run(scene, given, name, Path(folder), home)
            figures = {
                "seconds": seconds,
                "CPU seconds": busy,
                "peak memory, MB": megabytes,
            }
            what = "ten polygons" if polygons == POLYGONS else "then twelve polygons"
            board.add(Trial(what, "", name, figures, seconds, 0.0))
    return board


def write_scene(folder: Path) -> tuple[Path, Path]:
    """Writes a raster with two kinds of ground side by side, and ten polygons on both."""
    random = np.random.default_rng(0)
    image = random.normal(900, 90, (len(CARD_BANDS), SIDE, SIDE))
    image[6:, :, SIDE // 2 :] += 1500
    scene = folder / "scene.tif"
    with rasterio.open(
        scene, "w", driver="GTiff", width=SIDE, height=SIDE, count=len(CARD_BANDS),
        dtype="uint16", crs="EPSG:32631", transform=PLACE, tiled=True,
    ) as dataset:  # fmt: skip
        dataset.write(image.clip(1, 10000).astype(np.uint16))
        dataset.descriptions = tuple(band.name for band in CARD_BANDS)
    return scene, write_labels(folder, POLYGONS)


def write_labels(folder: Path, polygons: int) -> Path:
    """Writes a number of squares on both kinds of ground; the first ones are the same for any number."""
    labels = folder / f"labels-{polygons}.gpkg"
    shapes, kinds = [], []
    for number in range(polygons):
        # From the eleventh on, squares lie in the middle of each half, from the top down.
        late = number // POLYGONS
        column = SIDE // 10 + SIDE * 6 // 10 * (number % 2) + SIDE // 5 * late
        x, y = PLACE @ (column, SIDE // 10 + SIDE * 8 // 100 * (number % POLYGONS))
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
    return labels


def run(
    scene: Path, labels: Path, name: str, folder: Path, home: Path
) -> tuple[float, float, float]:
    """Wall-clock seconds, CPU seconds and peak memory (MB) of one fine-tuning.

    Args:
        scene: The raster.
        labels: The polygons.
        name: The verb's method, or `FOR_THIS_IMAGE`.
        folder: Folder for the outputs.
        home: Folder of the engine's cache; runs that share it can reuse results.

    Raises:
        EnvironmentBroken: The fine-tuning failed.
    """
    method, use = ("quick", "here") if name == FOR_THIS_IMAGE else (name, "anywhere")
    job = FinetuneJob(
        inputs=(str(scene),),
        labels=str(labels),
        field="kind",
        method=method,
        use=use,
        output_model=str(folder / f"{method}.onnx"),
        output_report=str(folder / f"{method}.html"),
    )
    # The peak is over all children of a process, so run it as the only child of a helper process.
    code = (
        "import resource, subprocess, sys; "
        "done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(done.returncode, used.ru_maxrss, used.ru_utime + used.ru_stime); sys.stderr.write(done.stderr[-2000:])"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        HOME_VARIABLE: str(home),
    }
    environment.pop(SIZE_VARIABLE, None)
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
            f"Fine-tuning ({name}) failed while its cost was measured. Run `python -m engine "
            "doctor --tier training`.",
            details=done.stderr[-2000:],
        )
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes elsewhere
    return round(seconds, 1), round(float(busy), 1), round(int(peak) * unit / 1e6)
