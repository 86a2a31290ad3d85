"""What the plugin adds to the start of QGIS: the time of loading it in a fresh QGIS, and what it imports.

    python3 benchmarks/startup.py --runs 5
    python3 benchmarks/startup.py --runs 5 --zip spectralgpt_qgis.zip     a package, as users have it

Needs `qgis` and `xvfb-run`. QGIS starts with a profile of its own in which only Processing is enabled; then the plugin
is loaded as QGIS does it. Exits with 1 when the median is over the limit or something heavy was imported.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess  # nosec B404
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "spectralgpt_qgis"
LIMIT_MS = 50
HEAVY = ("torch", "onnxruntime", "rasterio", "numpy", "scipy", "sklearn", "engine")

# Runs inside QGIS.
INSIDE = """
import json, os, sys, time, traceback
from qgis.PyQt.QtCore import QTimer
from qgis import utils

def measure():
    answer = {{}}
    try:
        before = set(sys.modules)
        started, computed = time.perf_counter(), time.thread_time()
        answer["ok"] = bool(utils.loadPlugin({name!r}) and utils.startPlugin({name!r}))
        answer["cpu_ms"] = 1000 * (time.thread_time() - computed)
        answer["ms"] = 1000 * (time.perf_counter() - started)
        answer["modules"] = sorted(set(sys.modules) - before)
    except Exception:
        answer["error"] = traceback.format_exc()
    with open({answer!r}, "w") as file:
        json.dump(answer, file)
    os._exit(0)

QTimer.singleShot(2000, measure)
"""


def main() -> int:
    """Measures and prints; returns 1 when the plugin is too slow or imports what it must not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--zip", type=Path, help="measure this package instead of the checkout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), options.zip)
        runs = [measure(Path(folder)) for _ in range(options.runs + 1)]
    first, *warm = runs
    modules = runs[-1]["modules"]
    heavy = [name for name in modules if name.split(".")[0] in HEAVY]
    own = [name for name in modules if name.startswith(NAME)]
    lines = [f"first load, which may have to compile: {first['ms']:.1f} ms"]
    for kind, name in (("ms", "clock"), ("cpu_ms", "processor")):
        times = [run[kind] for run in warm]
        shown = ", ".join(f"{value:.1f}" for value in times)
        lines.append(f"then, {name}: {shown} ms; median {statistics.median(times):.1f} ms")
    median = statistics.median(run["cpu_ms"] for run in warm)
    lines += [
        f"limit: {LIMIT_MS} ms of the processor, which a busy machine changes less",
        f"{len(modules)} modules, {len(own)} of them ours; heavy: {', '.join(heavy) or 'none'}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(median > LIMIT_MS or bool(heavy))


def prepare(folder: Path, package: Path | None) -> None:
    """Makes a profile that has the plugin, but does not start it: it shall be loaded under a clock.

    Args:
        folder: Of the profile.
        package: A zip of the plugin; None for the checkout.
    """
    arguments = ["--zip", str(package)] if package else []
    script = ROOT / "scripts" / "profile.py"
    subprocess.run([sys.executable, str(script), str(folder), *arguments], check=True)  # nosec B603
    for settings in folder.rglob("QGIS*.ini"):
        ini = ConfigParser(interpolation=None)
        ini.optionxform = str  # type: ignore[assignment,method-assign]
        ini.read(settings, encoding="utf-8")
        ini.set("PythonPlugins", NAME, "false")
        with settings.open("w", encoding="utf-8") as stream:
            ini.write(stream, space_around_delimiters=False)


def measure(folder: Path) -> dict:
    """Loads the plugin in a fresh QGIS.

    Returns:
        {"ms", "cpu_ms", "modules"}: how long it took by the clock and in the processor, and what was imported.

    Raises:
        RuntimeError: QGIS ended without an answer, or the plugin did not load.
    """
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    code = folder / "measure.py"
    code.write_text(INSIDE.format(name=NAME, answer=str(answer)), encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "QT_"))}
    # QGIS takes its Python from the first one on the path: that must be the one beside it.
    beside = str(Path(shutil.which("qgis") or "qgis").parent)
    environment = {**kept, "PATH": os.pathsep.join((beside, kept["PATH"]))}
    done = subprocess.run(  # nosec B603 B607
        [
            *("xvfb-run", "-a", "-s", "-screen 0 1366x768x24"),
            *("qgis", "--nologo", "--noversioncheck", "--code", str(code)),
        ],
        env={**environment, "QGIS_CUSTOM_CONFIG_PATH": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found: dict = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {}
    if not found.get("ok"):
        reason = found.get("error") or done.stderr[-2000:]
        raise RuntimeError(f"The plugin did not load ({done.returncode}): {reason}")
    return found


if __name__ == "__main__":
    sys.exit(main())
