"""The catalogue: which model a name refers to, and what is known without asking the engine."""

from __future__ import annotations

import pytest

from spectralgpt_qgis import engine_access, model_catalogue, settings


@pytest.fixture
def shared(models, tmp_path):
    """A shared folder with models named landcover and scenes, and the listing of all models."""
    folder = tmp_path / "team"
    folder.mkdir()
    for name in ("landcover", "theirs"):
        (folder / f"{name}.onnx").write_bytes((models / "landcover.onnx").read_bytes())
    settings.set_value("shared_models", str(folder))
    yield folder
    settings.set_value("shared_models", "")


def test_shared_models_count_once_they_were_listed(shared, models):
    assert model_catalogue.shared_unknown()
    assert model_catalogue.model_named("theirs") is None
    model_catalogue.keep_listing(engine_access.client().run("models", {}))
    assert not model_catalogue.shared_unknown()
    assert model_catalogue.is_complete()
    theirs = model_catalogue.model_named("theirs")
    assert (theirs.origin, theirs.bytes) == ("shared", (shared / "theirs.onnx").stat().st_size)
    own = model_catalogue.model_named("landcover")
    assert (own.origin, own.path) == ("own", str(models / "landcover.onnx"))


def test_a_new_file_makes_the_list_incomplete(models):
    model_catalogue.keep_listing(engine_access.client().run("models", {}))
    assert model_catalogue.is_complete()
    (models / "new.onnx").write_bytes((models / "scenes.onnx").read_bytes())
    assert not model_catalogue.is_complete()
    assert model_catalogue.known_models() == ()
    assert model_catalogue.model_named("new").task == "scene-classification"


def test_a_file_whose_ending_is_in_capitals_is_a_model_like_any_other(models):
    (models / "landcover.onnx").rename(models / "VALLEY.ONNX")
    found = model_catalogue.model_named("VALLEY", "segmentation")
    assert found.can_predict and found.path == str(models / "VALLEY.ONNX")


def test_a_name_that_may_be_shared_is_left_to_the_run(provider, models, shared, scene, tmp_path):
    from qgis.core import QgsProcessingContext

    def refused():
        return (
            provider.algorithm("segment")
            .create()
            .checkParameterValues(
                {"INPUT": scene, "MODEL": "theirs", "OUTPUT": str(tmp_path / "a.tif")},
                QgsProcessingContext(),
            )
        )

    assert refused() == (True, "")
    settings.set_value("shared_models", "")
    assert "no installed model 'theirs'" in refused()[1]


def test_what_a_card_tells(models):
    model = model_catalogue.model_named("landcover", "segmentation")
    assert model.bands[0] == "B02"
    assert model.wavelengths[0] == 0.49
    assert model.classes[0] == ("Water", "#2A7FB8")
    shipped = model_catalogue.model_named("backbone")
    assert shipped.origin == "shipped"
    assert "eurosat_linear_probe" in shipped.accuracy
    assert shipped.training["seed"] == 2
