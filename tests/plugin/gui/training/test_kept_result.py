"""The result of the last training, as stored in the project."""

from __future__ import annotations

import pytest
from qgis.core import QgsProject

from spectralgpt_qgis.gui.training.kept_result import read_result, write_result


@pytest.fixture
def project(qgis_app):
    return QgsProject()


def test_what_was_written_is_read(project, tmp_path):
    model = tmp_path / "mine.onnx"
    model.touch()
    result = {"OUTPUT_MODEL": str(model), "TRAINING": {"accuracy": {"confusion": [[3, 1], [0, 4]]}}}
    write_result(result, {"INPUT": ["id"], "TASK": "segmentation"}, project)
    assert read_result(project) == (result, {"INPUT": ["id"], "TASK": "segmentation"})


def test_a_model_whose_file_is_gone_is_not_shown(project, tmp_path):
    write_result({"OUTPUT_MODEL": str(tmp_path / "gone.onnx")}, {}, project)
    assert read_result(project) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"result": 1, "parameters": 2}', '{"result": {}}']
)
def test_what_cannot_be_read_is_nothing(project, text):
    project.writeEntry("SpectralGPT", "/training_result", text)
    assert read_result(project) is None
