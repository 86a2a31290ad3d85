"""The desktop tour: an analyst's steps in the real QGIS (`qgis --code scenario.py`), with screenshots.

Reads its settings from the JSON file in SPECTRALGPT_SCENARIO: {"root", "folder", "before", "after", ...}; writes
report.json and one PNG per step into the folder. It uses menus, the toolbox and dialogs as a person would, and calls
none of the plugin's Python code; only the installer of the engine is a stand-in (tour/engine.py).
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

from qgis.PyQt.QtCore import QTimer

# QGIS executes this file as text, so its folder is not on sys.path.
sys.path.insert(0, json.loads(Path(os.environ["SPECTRALGPT_SCENARIO"]).read_text())["root"])
sys.path.insert(0, str(Path(sys.path[0], "tests", "desktop")))

from tour import engine, fine_tuning, learning, manager, mapping, models, running, screen

STEPS = (
    mapping.start,
    mapping.toolbox,
    mapping.product,
    mapping.segment,
    mapping.layer_menu,
    mapping.change,
    mapping.scenes,
    models.describe,
    manager.manager,
    manager.models_import,
    manager.models_download,
    manager.models_rename,
    manager.models_export,
    manager.models_delete,
    manager.models_shared,
    engine.engine,
    engine.options,
    engine.engine_install,
    engine.engine_repair,
    engine.engine_remove,
    running.quick_look,
    running.cancel,
    running.batch,
    fine_tuning.training_labels,
    fine_tuning.training_run,
    fine_tuning.training_result,
    fine_tuning.training_reopened,
    learning.training,
    learning.judging,
)


def tour():
    """Runs the steps, records the result of each, and ends QGIS."""
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
    os._exit(0)  # without a question about saving the project


QTimer.singleShot(2000, tour)
