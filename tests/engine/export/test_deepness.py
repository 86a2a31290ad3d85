"""Models as Deepness runs them: fed as it feeds them, they give what our models give."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from engine.cards import Normalisation
from engine.errors import InvalidParameter
from engine.export.deepness import INPUT, OUTPUT, SOURCE_KEY, export_deepness, metadata
from engine.export.exporting import export_model
from engine.model_file import CARD_KEY, read_card
from engine.model_jobs import ExportJob
from engine.progress import Progress

TINY = Path(__file__).parents[2] / "data" / "models"
SHIPPED = Path(__file__).parents[3] / "resources" / "models"


@pytest.fixture
def exported(tmp_path):
    def export(model):
        output = tmp_path / "deepness.onnx"
        export_model(ExportJob(str(model), str(output), "deepness"), Progress())
        told = {p.key: json.loads(p.value) for p in onnx.load(output).metadata_props}
        return onnxruntime.InferenceSession(output), told

    return export


def fed(numbers, told):
    """What Deepness makes of a raster's values [B, C, S, S]."""
    mean, std = (np.array(told[f"standardization_{key}"])[:, None, None] for key in ("mean", "std"))
    return ((numbers / 255 - mean) / std).astype(np.float32)


def numbers(channels, side, seed=5):
    made = np.random.default_rng(seed).integers(200, 3500, (2, channels, side, side))
    made[..., :20, :30] = 0  # no data
    return made


def ours(model, feeds):
    session = onnxruntime.InferenceSession(model)
    names = [item.name for item in session.get_inputs()]
    return session.run(["probabilities"], {name: feeds[name] for name in names})[0]


def test_the_land_cover_model_that_ships(exported):
    session, told = exported(SHIPPED / "landcover.onnx")
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert taken.shape[1:] == [9, 128, 128]
    assert isinstance(taken.shape[0], str)  # any batch
    assert given.shape[1:] == [7, 128, 128]
    values = numbers(9, 128)
    feeds = {
        "image": (values / 10_000).astype(np.float32),
        "valid": (values[:, :1] > 0).astype(np.float32),
        "groups": np.arange(3),
    }
    (scores,) = session.run(None, {taken.name: fed(values, told)})
    np.testing.assert_allclose(scores, ours(SHIPPED / "landcover.onnx", feeds), atol=1e-3)
    assert told["class_names"]["0"] == "Water"


def test_labels_of_scenes_stand_at_every_pixel(exported):
    session, told = exported(TINY / "scenes.onnx")
    values = numbers(9, 64)
    (scores,) = session.run(None, {INPUT: fed(values, told)})
    assert scores.shape == (2, 3, 64, 64)
    expected = ours(TINY / "scenes.onnx", {"image": (values / 10_000).astype(np.float32)})
    np.testing.assert_allclose(scores[:, :, 0, 0], expected, atol=1e-5)
    np.testing.assert_array_equal(scores[:, :, 0, 0], scores[:, :, 63, 63])


def test_two_dates_are_one_stack(exported):
    session, told = exported(TINY / "change.onnx")
    assert session.get_inputs()[0].shape[1:] == [18, 64, 64]
    values = numbers(18, 64)
    before, after = np.split((values / 10_000).astype(np.float32), 2, axis=1)
    (scores,) = session.run([OUTPUT], {INPUT: fed(values, told)})
    expected = ours(TINY / "change.onnx", {"before": before, "after": after})
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_old_versions_of_onnx_runtime_load_it(tmp_path):
    export_deepness(SHIPPED / "landcover.onnx", tmp_path / "d.onnx", "0", Progress())
    proto = onnx.load(tmp_path / "d.onnx")
    onnx.checker.check_model(proto)
    assert (proto.opset_import[0].version, proto.ir_version) == (17, 8)


def test_what_deepness_reads():
    card = read_card(TINY / "landcover.onnx")
    told = {key: json.loads(value) for key, value in metadata(card, "ab").items()}
    assert told["model_type"] == "Segmentor"
    assert told["class_names"] == {"0": "Water", "1": "Vegetation", "2": "Bare ground"}
    assert told["resolution"] == 1000  # cm
    assert told["tile_size"] == told["tiles_size"] == 64
    assert told["standardization_mean"] == [0] * 9
    # A digital number of 10000 is fed as 10000 / 255 / std = 1.
    assert 10_000 / 255 / told["standardization_std"][8] == pytest.approx(1)
    raw = metadata(dataclasses.replace(card, unit="raw"), "ab")
    assert 7 / 255 / json.loads(raw["standardization_std"])[0] == pytest.approx(7)
    assert told[SOURCE_KEY]["sha256"] == "ab"
    assert CARD_KEY not in told  # it is no model of ours any more


def test_statistics_of_a_scene_are_beyond_deepness(tmp_path):
    assert read_card(SHIPPED / "change.onnx").normalisation == Normalisation("scene-statistics")
    with pytest.raises(InvalidParameter, match="standardises each scene"):
        export_model(
            ExportJob(str(SHIPPED / "change.onnx"), str(tmp_path / "x.onnx"), "deepness"),
            Progress(),
        )
    assert list(tmp_path.iterdir()) == []
