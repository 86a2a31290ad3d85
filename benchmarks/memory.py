"""Peak memory and time of `segment` on large rasters of two heights: memory must not grow with the height.

    python benchmarks/memory.py --model landcover --width 10980 --heights 5490 10980

The raster is synthetic: 12 bands of Sentinel-2 as uint16, tiled and compressed like the real ones. The engine runs as
users run it, in a process of its own; its peak resident memory is what the system measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess  # nosec B404
import sys
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

ROOT = Path(__file__).resolve().parents[1]
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
BLOCK = 512


def make_raster(path: Path, height: int, width: int) -> None:
    """Writes a raster of smooth fields with noise, valid everywhere."""
    random = np.random.default_rng(0)
    patch = random.integers(200, 3000, (len(BANDS), BLOCK // 16, BLOCK // 16), dtype=np.uint16)
    patch = np.kron(patch, np.ones((1, 16, 16), np.uint16))
    patch = patch + random.integers(0, 64, patch.shape, dtype=np.uint16)  # [12, 512, 512]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(BANDS),
        height=height,
        width=width,
        dtype="uint16",
        crs="EPSG:32631",
        transform=from_origin(500_000, 4_600_000, 10, 10),
        tiled=True,
        blockxsize=BLOCK,
        blockysize=BLOCK,
        compress="deflate",
        zlevel=1,
        interleave="pixel",
    ) as dataset:
        for index, name in enumerate(BANDS, 1):
            dataset.set_band_description(index, name)
        for top in range(0, height, BLOCK):
            rows = min(BLOCK, height - top)
            for left in range(0, width, BLOCK):
                columns = min(BLOCK, width - left)
                window = Window(left, top, columns, rows)
                dataset.write(patch[:, :rows, :columns], window=window)


def measure(raster: Path, model: str, options: list[str]) -> dict[str, float]:
    """Runs the engine on a raster; peak in MB, seconds, Mpx/s, size of the map in MB."""
    output = raster.with_name("map.tif")
    command = [sys.executable, "-m", "engine", "segment", "--json"]
    command += ["--input", str(raster), "--model", model, "--output", str(output), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # nosec B603
        last = ""
        for line in process.stdout or ():
            last = line
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    event = json.loads(last)
    if event["event"] != "result":
        raise SystemExit(f"the run failed: {event}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
    return {
        "peak_mb": usage.ru_maxrss * unit / 1e6,
        "seconds": event["seconds"],
        "mpx_per_s": event["megapixels_per_second"],
        "map_mb": output.stat().st_size / 1e6,
    }


def main() -> None:
    """Measures each height and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--width", type=int, default=10980)
    parser.add_argument("--heights", type=int, nargs="+", default=[5490, 10980])
    parser.add_argument("--options", default="--device cpu", help="passed on to segment")
    given = parser.parse_args()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(
        f"width {given.width}, model {given.model}; this script itself {own // 1024} MB\n"
    )
    for height in given.heights:
        with tempfile.TemporaryDirectory() as folder:
            raster = Path(folder) / "raster.tif"
            make_raster(raster, height, given.width)
            found = measure(raster, given.model, given.options.split())
        figures = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
        sys.stdout.write(f"height {height}: {figures}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
