"""Texts for the state, the size and the test of the engine."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtGui import QPalette

from spectralgpt_qgis.gui.options import engine_words
from spectralgpt_qgis.install_size import InstallSize


@pytest.mark.parametrize(
    ("count", "words"), [(155_267_197, "155 MB"), (999e6, "999 MB"), (3_190_991_763, "3.2 GB")]
)
def test_sizes(count, words):
    assert engine_words.bytes_in_words(count) == words


def test_a_system_without_a_record_is_told_so():
    text = engine_words.cost_text(InstallSize(None, 3_000_000_000, ""), None, False, QPalette())
    assert text == "The download size is not known for this system. Disk space needed: 3.0 GB."


def test_what_was_tried_with_outcome_and_reason():
    test = {
        "when": "2026-11-25 23:09",
        "devices": [
            {
                "device": "cpu",
                "use": "maps",
                "works": True,
                "name": "ONNX Runtime, CPU",
                "milliseconds": 54,
                "window": 128,
            },
            {"device": "gpu", "use": "maps", "works": False, "reason": "the driver is <old>"},
        ],
        "graphics_cards": ["NVIDIA A, 570.1, 8192 MiB"],
    }
    text = engine_words.tested_text(test, QPalette())
    assert "Tested 2026-11-25 23:09" in text
    assert "ONNX Runtime, CPU · 54 ms for 128 x 128 pixels" in text
    assert "the driver is &lt;old&gt;" in text
    assert "NVIDIA A, 570.1" in text
