"""What a run is said to take, and what it learns for the next one."""

import numpy as np
import pytest
import shapely

from engine.errors import DiskFull
from engine.infer import preflight
from engine.infer.classify import classify
from engine.infer.detect_change import detect_change
from engine.infer.map_plan import POLYGON_BYTES
from engine.infer.segment import segment
from engine.jobs import ChangeJob, ClassifyJob, SegmentJob

RNG = np.random.default_rng(3)
SIDE = 160  # px: ten windows of 16 px along each side without overlap
IMAGE = RNG.random((3, SIDE, SIDE), np.float32)
LEFT, TOP = 500_000, 4_600_000


@pytest.fixture
def mapped(segmenter, make_raster, folder, recorder):
    def run(image=IMAGE, raster=None, **fields):
        progress = recorder()
        given = {"output": str(folder / "map.tif"), "overlap": 0, "device": "cpu", "threads": 1}
        job = SegmentJob(
            **{
                "input": make_raster(image, **(raster or {})),
                "model": segmenter(),
                **given,
                **fields,
            }
        )
        return segment(job, progress), progress.texts("log")

    return run


def test_a_dry_run_only_tells(mapped, folder):
    """100 windows; beside the map, 160 x 160 pixels of a byte are kept: .0256 MB, and the map is estimated by area."""
    result, log = mapped(dry_run=True)
    assert list(folder.iterdir()) == []
    assert result["outputs"] == {}
    assert result["estimate"]["windows"] == 100
    assert result["estimate"]["memory_mb"] > 50
    assert any(line.startswith("Estimate: 100 windows, ") for line in log)
    area = SIDE * SIDE / 1e6
    expected = area + area * preflight.BYTES["class"] / 1e6
    assert result["estimate"]["disk_mb"] == round(expected, 3)


def test_a_dry_run_leaves_what_is_there(mapped, folder):
    (folder / "map.tif").write_text("of before")
    (folder / ".spectralgpt-resume-map.tif").write_text("rows of a killed run")
    mapped(dry_run=True)
    assert (folder / "map.tif").read_text() == "of before"
    assert (folder / ".spectralgpt-resume-map.tif").read_text() == "rows of a killed run"


def test_polygons_take_an_empty_file_and_their_own(mapped, folder):
    """As above, with 98,304 bytes of an empty GeoPackage, 2 MB a megapixel of polygons, and percents that are kept."""
    result, _ = mapped(dry_run=True, output_vector=str(folder / "map.gpkg"))
    plain, _ = mapped(dry_run=True, confidence=str(folder / "confidence.tif"))
    more = (98_304 + SIDE * SIDE * POLYGON_BYTES["segment"] / 1e6) / 1e6
    assert result["estimate"]["disk_mb"] == pytest.approx(
        plain["estimate"]["disk_mb"] + more, abs=0.002
    )


def test_only_windows_of_the_extent_count(mapped):
    """A corner of 40 x 20 pixels touches 3 x 2 windows."""
    extent = (LEFT, TOP - 200, LEFT + 400, TOP)
    assert mapped(dry_run=True, extent=extent)[0]["estimate"]["windows"] == 6


def test_only_windows_of_the_mask_count(mapped, tmp_path):
    """A triangle over the corner: of windows (row, column) those with row + column < 5, 15 in all."""
    import pyogrio.raw

    triangle = shapely.Polygon([(LEFT, TOP), (LEFT + 799, TOP), (LEFT, TOP - 799)])
    path = tmp_path / "mask.gpkg"
    pyogrio.raw.write(
        path,
        geometry=np.array([shapely.to_wkb(triangle)]),
        field_data=[],
        fields=[],
        geometry_type="Polygon",
        crs="EPSG:32631",
    )
    assert mapped(dry_run=True, mask=str(path))[0]["estimate"]["windows"] == 15


def test_windows_without_data_are_guessed_by_a_sample(mapped):
    """Half of the raster is empty, which a file without compression does not tell; of 64 windows about half are."""
    image = IMAGE.copy()
    image[:, :, SIDE // 2 :] = np.nan
    result, _ = mapped(image, dry_run=True)
    assert 30 <= result["estimate"]["windows"] <= 70
    assert mapped(image)[0]["windows"]["run"] == 50


def test_windows_without_data_are_told_by_the_size_of_their_blocks(mapped):
    """Of ten columns of blocks that are windows too, seven are left out of the file: 30 windows are left."""
    image = np.zeros((3, SIDE, SIDE), np.uint16)
    image[:, :, : 3 * 16] = RNG.integers(1, 9000, (3, SIDE, 3 * 16))
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16, "sparse_ok": True, "nodata": 0}
    result, _ = mapped(image, dry_run=True, raster=tiled)
    assert result["estimate"]["windows"] == 30


def test_only_rows_with_windows_are_kept(mapped):
    """The lower half of the raster is without data: of 160 x 160 pixels half of the rows are kept beside the map."""
    image = np.zeros((3, SIDE, SIDE), np.uint16)
    image[:, : SIDE // 2] = RNG.integers(1, 9000, (3, SIDE // 2, SIDE))
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16, "sparse_ok": True, "nodata": 0}
    result, _ = mapped(image, dry_run=True, raster=tiled)
    half = SIDE * SIDE / 2 / 1e6
    assert result["estimate"]["disk_mb"] == round(half + half * preflight.BYTES["class"] / 1e6, 3)


def test_a_run_that_mostly_looks_for_data_tells_nothing_of_windows(mapped, monkeypatch):
    """30 windows of 100 hold data."""
    learned = {}
    monkeypatch.setattr(preflight.Pace, "learn", lambda self, rates: learned.update(rates))
    image = IMAGE.copy()
    image[:, :, 3 * 16 :] = np.nan
    assert mapped(image)[0]["windows"]["run"] == 30
    assert "window" not in learned


def test_few_batches_tell_nothing_of_windows(mapped, monkeypatch):
    """100 windows, in batches of one; of a GPU's batches a small map has one, and that not full."""
    learned = {}
    monkeypatch.setattr(preflight.Pace, "learn", lambda self, rates: learned.update(rates))
    for batches, told in ((100, True), (101, False)):
        monkeypatch.setattr(preflight, "LEAST_BATCHES", batches)
        learned.clear()
        mapped()
        assert ("window" in learned) == told, batches


def test_the_end_is_compared_with_the_beginning(mapped):
    _, log = mapped()
    (line,) = [line for line in log if line.startswith("Estimated: 100 windows, ")]
    assert "; actual: 100 windows, " in line


def test_a_run_teaches_the_next_one(mapped, monkeypatch):
    """Once told that each window takes 6 s, a run of 100 windows is said to take ten minutes."""
    monkeypatch.setattr(preflight, "LEAST_MEGAPIXELS", 0.01)
    mapped()
    learned = {}

    def rate(self, name):
        learned[name] = True
        return {"window": 6.0}.get(name)

    monkeypatch.setattr(preflight.Pace, "rate", rate)
    seconds = mapped(dry_run=True)[0]["estimate"]["seconds"]
    assert 600 <= seconds < 660
    assert {"window", "finish", "memory", "bytes of class"} <= set(learned)


def test_beside_other_programs_windows_take_longer(mapped, monkeypatch):
    """Each takes 6 s alone, and one thread gets a quarter of a processor: 40 min for 100 windows."""
    monkeypatch.setattr(preflight.Contention, "now", lambda: preflight.Contention(1, 0.25, 1.0))
    monkeypatch.setattr(preflight.Pace, "rate", lambda self, name: {"window": 6.0}.get(name))
    assert 2400 <= mapped(dry_run=True)[0]["estimate"]["seconds"] < 2460


def test_what_is_learned_is_the_time_without_other_programs(mapped, monkeypatch):
    """They left a quarter of the processor, and it worked half of the time for the run: half of the seconds count."""
    learned = {}
    monkeypatch.setattr(preflight.Contention, "now", lambda: preflight.Contention(1, 0.25, 1.0))
    monkeypatch.setattr(preflight.Pace, "learn", lambda self, rates: learned.update(rates))
    watches = []
    after = preflight.Preflight.after_map

    def watched(self, *given):
        watches.append(self._watch)
        self._watch.work["windows"] = self._watch.marks["windows"] / 2
        after(self, *given)

    monkeypatch.setattr(preflight.Preflight, "after_map", watched)
    mapped()
    assert learned["window"] == pytest.approx(watches[0].marks["windows"] / 2 / 100)


def test_what_is_learned(mapped, monkeypatch, folder):
    """Seconds of each window, and bytes of a megapixel of the map."""
    monkeypatch.setattr(preflight, "LEAST_MEGAPIXELS", 0.01)
    learned = {}
    monkeypatch.setattr(preflight.Pace, "learn", lambda self, rates: learned.update(rates))
    result, _ = mapped(confidence=str(folder / "confidence.tif"))
    assert 0 < learned["window"] * 100 <= result["seconds"]
    size = (folder / "map.tif").stat().st_size
    assert learned["bytes of class"] == pytest.approx(size / (SIDE * SIDE / 1e6))
    assert learned["bytes of confidence"] > learned["bytes of class"]
    assert learned["finish"] > 0


def test_a_small_run_teaches_nothing(mapped, monkeypatch):
    learned = {}
    monkeypatch.setattr(preflight.Pace, "learn", lambda self, rates: learned.update(rates))
    mapped(extent=(LEFT, TOP - 200, LEFT + 400, TOP))
    assert learned == {}


def test_change_needs_room_for_its_scores(
    change_detector, make_raster, folder, recorder, monkeypatch
):
    """The scores of 160 x 160 pixels in float32 are 102,400 bytes; the disk has 100,000."""
    usage = type("Usage", (), {"free": 100_000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    job = ChangeJob(
        before=make_raster(IMAGE),
        after=make_raster(IMAGE, "after.tif"),
        model=change_detector(),
        output=str(folder / "change.tif"),
        device="cpu",
        threads=1,
    )
    with pytest.raises(DiskFull, match=r"needs 0\.1 MB"):
        detect_change(job, recorder())
    assert list(folder.iterdir()) == []


def test_scenes(scene_classifier, make_raster, folder, recorder):
    """Cells of 8 px: 20 x 20; two rows of them in the polygons' boxes."""
    fields = {
        "input": make_raster(IMAGE),
        "model": scene_classifier(),
        "output": str(folder / "scenes.gpkg"),
        "device": "cpu",
        "threads": 1,
    }
    dry = classify(ClassifyJob(dry_run=True, **fields), recorder())
    assert (dry["estimate"]["windows"], list(folder.iterdir())) == (400, [])
    progress = recorder()
    done = classify(ClassifyJob(**fields), progress)
    assert done["windows"]["run"] == 400
    assert any("actual: 400 windows" in line for line in progress.texts("log"))
