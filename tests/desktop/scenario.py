"""What an analyst does, done inside the real QGIS (`qgis --code scenario.py`): a tour with pictures.

Reads its orders from SPECTRALGPT_SCENARIO, a JSON file: {"code", "folder", "before", "after", ...}; writes
report.json and one PNG a step into the folder. Nothing here calls the plugin's Python: menus, the toolbox and
dialogs are used as by hand.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

from qgis.PyQt.QtCore import QTimer

# QGIS runs this file as text, so that its folder is not on the path.
sys.path.insert(0, json.loads(Path(os.environ["SPECTRALGPT_SCENARIO"]).read_text())["code"])

from tour import engine, fine_tuning, learning, mapping, models, running, screen

STEPS = (
    mapping.start,
    mapping.toolbox,
    mapping.segment,
    mapping.layer_menu,
    mapping.change,
    mapping.scenes,
    models.describe,
    models.manager,
    engine.engine,
    engine.options,
    running.cancel,
    running.batch,
    fine_tuning.training_labels,
    fine_tuning.training_run,
    fine_tuning.training_result,
    learning.training,
    learning.judging,
)


def tour():
    """Does the steps, notes what each gives, and ends QGIS."""
    report = {"steps": [], "error": ""}
    try:
        for step in STEPS:
            started = time.monotonic()
            answer = step()
            seconds = time.monotonic() - started
            report["steps"].append({"name": step.__name__, "seconds": seconds, "answer": answer})
    except Exception:
        report["error"] = traceback.format_exc()
        screen.picture("error")
    (screen.FOLDER / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    os._exit(0)  # no question about saving the project


QTimer.singleShot(2000, tour)
