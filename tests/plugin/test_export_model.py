"""spectralgpt:exportmodel and importmodel with the plugin's models, run by Processing."""

from __future__ import annotations

import pytest
from qgis.core import QgsProcessingContext, QgsProcessingException

from spectralgpt_qgis import engine_access
from spectralgpt_qgis.engine_environment import Status


@pytest.fixture
def refused(provider, models):
    def check(name, parameters):
        algorithm = provider.algorithm(name).create()
        return algorithm.checkParameterValues(parameters, QgsProcessingContext())[1]

    return check


def test_an_export_is_asked_of_the_engine(run, fake_engine, tmp_path):
    fake_engine.result = {"difference": 0.25}
    output = str(tmp_path / "m.onnx")
    result = run("exportmodel", {"MODEL": "landcover", "FORMAT": "deepness", "OUTPUT": output})
    assert fake_engine.verb == "export"
    assert fake_engine.job == {"model": "landcover", "format": "deepness", "output": output}
    assert result == {"OUTPUT": output, "DIFFERENCE": 0.25}


def test_a_model_comes_out_as_it_is(run, models, tmp_path):
    output = tmp_path / "m.onnx"
    run("exportmodel", {"MODEL": "landcover", "OUTPUT": str(output)})
    assert output.read_bytes() == (models / "landcover.onnx").read_bytes()


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"MODEL": " ", "OUTPUT": "/tmp/a.onnx"}, "Choose a model"),
        ({"MODEL": "nothing", "OUTPUT": "/tmp/a.onnx"}, "There is no model 'nothing'"),
        ({"MODEL": "landcover", "FORMAT": "safetensors", "OUTPUT": "/tmp/a.onnx"}, ".safetensors"),
    ],
)
def test_what_cannot_be_exported_is_refused(refused, parameters, told):
    assert told in refused("exportmodel", parameters)


def test_deepness_needs_the_training_libraries(refused, monkeypatch):
    ready = Status("ready", "", "inference", "cpu", python=engine_access.status().python)
    monkeypatch.setattr(engine_access, "status", lambda: ready)
    parameters = {"MODEL": "landcover", "FORMAT": "deepness", "OUTPUT": "/tmp/a.onnx"}
    assert "training libraries" in refused("exportmodel", parameters)
    assert refused("exportmodel", {**parameters, "FORMAT": "onnx"}) == ""


def test_a_model_of_ours_is_taken_in_without_training_libraries(
    run, refused, models, monkeypatch, tmp_path
):
    ready = Status("ready", "", "inference", "cpu", python=engine_access.status().python)
    monkeypatch.setattr(engine_access, "status", lambda: ready)
    output = models / "copy.onnx"
    given = {"INPUT": str(models / "scenes.onnx"), "OUTPUT_MODEL": str(output)}
    assert run("importmodel", given)["MODEL_TASK"] == "scene-classification"
    assert output.is_file()
    assert "must end in .onnx" in refused(
        "importmodel", {**given, "OUTPUT_MODEL": str(tmp_path / "a.safetensors")}
    )
    (tmp_path / "a.pth").write_bytes(b"x")
    assert "training libraries" in refused(
        "importmodel", {"INPUT": str(tmp_path / "a.pth"), "OUTPUT_MODEL": str(output)}
    )


def test_a_foreign_model_says_why_not(run, models, tmp_path):
    foreign = tmp_path / "foreign.onnx"
    content = (models / "scenes.onnx").read_bytes()
    foreign.write_bytes(content.replace(b"spectralgpt:card", b"spectralgpt:cart"))
    output = models / "taken.onnx"
    with pytest.raises(QgsProcessingException, match="has no SpectralGPT card"):
        run("importmodel", {"INPUT": str(foreign), "OUTPUT_MODEL": str(output)})
    assert not output.exists()
