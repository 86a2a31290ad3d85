"""Makes three maps of a real Sentinel-2 scene with the real QGIS algorithms: `make demo`.

Runs `spectralgpt:segment`, `spectralgpt:classify` and `spectralgpt:detectchange` with qgis_process on the sample in
resources/sample/, draws each result with its legend (draw_map.py, in QGIS's own Python), and writes demo/index.html.

    python3 scripts/demo.py --profile DIR [--out demo]

The profile is a QGIS configuration folder in which the plugin is installed and enabled (`make` prepares it).
"""

from __future__ import annotations

import argparse
import csv
import html
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "resources" / "sample"
BEFORE = SAMPLE / "boadella_2020-02-02.tif"
AFTER = SAMPLE / "boadella_2020-06-21.tif"

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #222 }
section { display: flex; flex-wrap: wrap; gap: 2rem; margin: 2.5rem 0; align-items: flex-start }
img { max-width: 100%; width: 40rem; border: 1px solid #ccc }
table { border-collapse: collapse } td, th { padding: .25rem .75rem; text-align: left; border-bottom: 1px solid #ddd }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
h2 { flex-basis: 100%; margin: 0 } p { max-width: 40rem } code { background: #f3f3f3; padding: 0 .25em }
"""


class Step(NamedTuple):
    """One algorithm of the demo; its outputs begin with `name`."""

    name: str
    title: str
    algorithm: str
    parameters: dict[str, Any]


def steps(out: Path) -> list[Step]:
    """What the demo runs, into a folder."""
    return [
        Step(
            "landcover",
            "Land cover",
            "spectralgpt:segment",
            {
                "INPUT": AFTER,
                "MODEL": "landcover",
                "OUTPUT": out / "landcover.tif",
                "CONFIDENCE": out / "landcover_confidence.tif",
                "OUTPUT_VECTOR": out / "landcover.gpkg",
                "AREAS": out / "landcover_areas.csv",
            },
        ),
        Step(
            "scenes",
            "Labelled scenes",
            "spectralgpt:classify",
            {"INPUT": AFTER, "MODEL": "scenes", "OUTPUT": out / "scenes.gpkg"},
        ),
        Step(
            "change",
            "Change",
            "spectralgpt:detectchange",
            {
                "BEFORE": BEFORE,
                "AFTER": AFTER,
                "MODEL": "change",
                "OUTPUT": out / "change.tif",
                "PROBABILITY": out / "change_probability.tif",
                "OUTPUT_VECTOR": out / "change.gpkg",
                "AREAS": out / "change_areas.csv",
            },
        ),
    ]


def main() -> int:
    """Makes the demo; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--profile", type=Path, required=True, help="QGIS configuration folder with the plugin"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "demo")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "QGIS_CUSTOM_CONFIG_PATH": str(options.profile.resolve()),
        "QT_QPA_PLATFORM": "offscreen",
    }
    started = time.monotonic()
    sections = [_run(environment, out, step) for step in steps(out)]
    index = out / "index.html"
    index.write_text(_page(sections), encoding="utf-8")
    sys.stdout.write(f"\nDone in {time.monotonic() - started:.0f} s. Everything is in {out}:\n")
    for path in sorted(out.iterdir()):
        sys.stdout.write(f"  {path.name:34} {path.stat().st_size / 1024:8.0f} KB\n")
    sys.stdout.write(f"Open {index}\n")
    return 0


def _run(environment: dict[str, str], out: Path, step: Step) -> dict[str, Any]:
    """Runs one algorithm and draws its result."""
    sys.stdout.write(f"{step.title}: {step.algorithm} ...\n")
    sys.stdout.flush()
    began = time.monotonic()
    # Not Debian's wrapper, which passes options that only the desktop application knows.
    qgis = shutil.which("qgis_process.bin") or "qgis_process"
    arguments = [f"{key}={value}" for key, value in step.parameters.items()]
    told = _output(
        [qgis, "--json", "run", step.algorithm, "--", *arguments],
        environment,
        f"{step.algorithm} failed (exit code {{code}}); its own words are above.",
    )
    seconds = time.monotonic() - began
    picture = out / f"{step.name}.png"
    _output(
        [
            "/usr/bin/python3",
            str(ROOT / "scripts" / "draw_map.py"),
            *("--layer", str(step.parameters["OUTPUT"]), "--image", str(AFTER)),
            *("--title", f"{step.title}, Boadella", "--out", str(picture)),
        ],
        environment,
        f"The map of {step.algorithm} was not drawn; the reason is above.",
    )
    sys.stdout.write(f"  {seconds:.1f} s, {picture}\n")
    return {
        "title": step.title,
        "algorithm": step.algorithm,
        "picture": picture.name,
        "seconds": seconds,
        "results": json.loads(told[told.index("{") :])["results"],
        "areas": step.parameters.get("AREAS"),
        "scenes": step.parameters["OUTPUT"] if step.name == "scenes" else None,
    }


def _output(command: list[str], environment: dict[str, str], failure: str) -> str:
    """Runs a command and returns its output; if it fails, shows what it said and exits."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(failure.format(code=done.returncode))
    return done.stdout


def _page(sections: list[dict[str, Any]]) -> str:
    body = "".join(
        f"<section><h2>{html.escape(item['title'])}</h2>"
        f"<a href='{item['picture']}'><img src='{item['picture']}' alt='{html.escape(item['title'])}'></a>"
        f"<div><p><code>{item['algorithm']}</code>, {item['seconds']:.1f} s with QGIS's own start.</p>"
        f"{_table(item)}</div></section>"
        for item in sections
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>SpectralGPT for QGIS: demo</title><style>{STYLE}</style>"
        "<h1>Boadella reservoir, Spain</h1><p>Sentinel-2 of 2020-06-21 (change: since 2020-02-02). "
        "Contains modified Copernicus Sentinel data 2020. The models and what they can do are described in their "
        f"cards; a map made by a model is a draft to be checked.</p>{body}</html>\n"
    )


def _table(item: dict[str, Any]) -> str:
    """Area of each class, from the algorithm's table, or counted from the labelled scenes."""
    if item["areas"] is not None:
        with item["areas"].open(encoding="utf-8", newline="") as file:
            rows = [
                (row["name"], float(row["area_ha"]), float(row["share"]))
                for row in csv.DictReader(file)
            ]
    else:
        rows = _scene_areas(item["scenes"])
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td class='number'>{area:,.1f}</td><td class='number'>{share:.1%}</td></tr>"
        for name, area, share in rows
    )
    return (
        "<table><tr><th>Class</th><th class='number'>Area, ha</th><th class='number'>Share</th></tr>"
        f"{cells}</table>"
    )


def _scene_areas(path: Path) -> list[tuple[str, float, float]]:
    from osgeo import ogr, osr

    dataset = ogr.Open(str(path))
    layer = dataset.GetLayer(0)
    equal_area = osr.SpatialReference()
    equal_area.ImportFromEPSG(6933)
    transform = osr.CoordinateTransformation(layer.GetSpatialRef(), equal_area)
    areas: dict[str, float] = {}
    for feature in layer:
        geometry = feature.GetGeometryRef().Clone()
        geometry.Transform(transform)
        name = feature.GetField("class_name")
        areas[name] = areas.get(name, 0.0) + geometry.GetArea() / 10_000
    total = sum(areas.values()) or 1.0
    return [
        (name, area, area / total)
        for name, area in sorted(areas.items(), key=lambda pair: -pair[1])
    ]


if __name__ == "__main__":
    sys.exit(main())
