import pytest

from engine.batch_jobs import BatchJob
from engine.errors import InvalidParameter
from engine.infer.scene_jobs import scene_jobs


def batch(task="segment", inputs=("a.tif",), **changes):
    return BatchJob(task=task, model="m", output_folder="maps", inputs=inputs, **changes)


def outputs(job):
    return [scene.job.output for scene in scene_jobs(job)]


def test_outputs_are_called_as_their_scenes():
    assert outputs(batch(inputs=("in/a.tif", "b.jp2"))) == ["maps/a.tif", "maps/b.tif"]
    assert outputs(batch(tiles=64)) == ["maps/a.vrt"]
    assert outputs(batch("classify")) == ["maps/a.gpkg"]


def test_files_of_one_name_are_told_apart_by_their_folders():
    assert outputs(batch(inputs=("x/a.tif", "y/a.tif"))) == ["maps/x_a.tif", "maps/y_a.tif"]
    with pytest.raises(
        InvalidParameter, match=r"'a\.tif' and 'a\.tif' would be written to the same output"
    ):
        scene_jobs(batch(inputs=("a.tif", "a.tif")))


def test_what_stands_beside_one_scene_is_neither_another_ones_output_nor_its_input():
    inputs = ("a.tif", "a_confidence.tif")
    scene_jobs(batch(inputs=inputs))
    with pytest.raises(
        InvalidParameter,
        match=r"'a\.tif' and 'a_confidence\.tif' would be written to the same output",
    ):
        scene_jobs(batch(inputs=inputs, beside=("confidence",)))
    pairs = ("a.tif", "b.tif", "maps/a_b.tif", "c.tif")
    with pytest.raises(InvalidParameter, match=r"'maps/a_b\.tif' is also an input"):
        scene_jobs(batch("detect-change", inputs=pairs))
    scene_jobs(batch(inputs=("maps/a.tif", "b.tif")))  # its own: that scene alone is refused


def test_what_is_asked_of_all_is_asked_of_each():
    asked = batch(
        overlap=50, bands=(3, 2), cog=True, min_area=9.0, beside=("confidence", "vector", "areas")
    )
    (scene,) = scene_jobs(asked)
    job = scene.job
    assert (job.input, job.overlap, job.bands, job.cog, job.min_area) == (
        "a.tif",
        50,
        (3, 2),
        True,
        9.0,
    )
    assert job.confidence == "maps/a_confidence.tif"
    assert (job.output_vector, job.areas) == ("maps/a.gpkg", "maps/a.csv")


def test_change_takes_rasters_in_pairs():
    (scene,) = scene_jobs(batch("detect-change", ("a.tif", "b.tif"), beside=("probability",)))
    assert (scene.job.before, scene.job.after) == ("a.tif", "b.tif")
    assert (scene.job.output, scene.job.probability) == ("maps/a_b.tif", "maps/a_b_probability.tif")
    with pytest.raises(InvalidParameter, match=r"3 were given; the last one is 'c\.tif'"):
        scene_jobs(batch("detect-change", ("a.tif", "b.tif", "c.tif")))


def test_a_list_has_a_scene_a_line(tmp_path):
    path = tmp_path / "scenes.txt"
    path.write_text("# 2024\na b.tif\n\nc.tif\n", encoding="utf-8")
    job = batch(inputs=(), inputs_list=str(path))
    assert [scene.rasters for scene in scene_jobs(job)] == [("a b.tif",), ("c.tif",)]
    path.write_text("a.tif\tb.tif\n", encoding="utf-8")
    (scene,) = scene_jobs(batch("detect-change", (), inputs_list=str(path)))
    assert scene.rasters == ("a.tif", "b.tif")


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (batch(inputs=()), "List rasters with inputs, or"),
        (batch(inputs_list="nowhere.txt"), r"'nowhere\.txt' cannot be read"),
        (batch(beside=("probability",)), "cannot write 'probability' .* confidence, vector, areas"),
        (batch("classify", beside=("areas",)), "cannot write 'areas' .* none"),
    ],
)
def test_what_cannot_be_done_is_told(job, told):
    with pytest.raises(InvalidParameter, match=told):
        scene_jobs(job)
