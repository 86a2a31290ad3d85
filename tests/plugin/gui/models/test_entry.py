"""Models as users see them: files grouped, filtered and sorted."""

from __future__ import annotations

from spectralgpt_qgis.gui.models.entry import entries_of, matches, ordered, origin_text, task_text
from spectralgpt_qgis.installed_model import InstalledModel


def model(path, task="segmentation", **facts):
    facts.setdefault("title", path.rpartition("/")[2])
    name = path.rpartition("/")[2].rpartition(".")[0]
    return InstalledModel(
        name=name, task=task, path=path, can_predict=path.endswith(".onnx"), **facts
    )


ONE = model("/own/a.safetensors", bytes=2), model("/own/a.onnx", bytes=3, origin="own")
BACKBONE = model("/shipped/b.safetensors", "backbone")
OTHER = model("/shipped/a.onnx", "change-detection", classes=(("Burnt area", "#000000"),))


def test_files_of_one_name_in_one_folder_are_one_model():
    entries = entries_of([BACKBONE, *ONE, OTHER])
    assert [entry.key for entry in entries] == ["/own/a", "/shipped/a", "/shipped/b"]
    assert [file.path for file in entries[0].files] == ["/own/a.onnx", "/own/a.safetensors"]
    assert entries[0].bytes == 5
    assert entries[0].is_own
    assert not entries[1].is_own


def test_models_are_filtered_by_task_and_by_words():
    own, change, backbone = entries_of([*ONE, OTHER, BACKBONE])
    assert matches(change, "burnt A.ONNX", "")
    assert not matches(change, "burnt forest", "")
    assert matches(own, "", "segmentation")
    assert not matches(change, "", "segmentation")
    assert [matches(entry, "", "train") for entry in (own, change, backbone)] == [True, False, True]


def test_the_best_comes_first():
    """In the engine's order, but models that do not fit after those that do."""
    entries = entries_of([*ONE, OTHER, BACKBONE])
    compared = {
        "/own/a.onnx": {"verdict": "unfit"},
        "/shipped/b.safetensors": {"verdict": "fits"},
        "/shipped/a.onnx": {"verdict": "doubtful"},
    }
    names = [entry.key for entry in ordered(entries, compared)]
    assert names == ["/shipped/b", "/shipped/a", "/own/a"]
    assert ordered(entries, {}) == entries


def test_origin_and_task_in_words():
    def told(**facts):
        return origin_text(entries_of([model("/x/a.onnx", **facts)])[0])

    assert told() == "Included"
    assert told(origin="shared") == "Shared"
    assert told(origin="own", training={"source": {"file": "a.pth"}}) == "Imported"
    assert told(origin="own", training={"rasters": ["S2.tif"]}) == "Trained here"
    assert task_text(entries_of([BACKBONE])[0]) == "Fine-tuning"
