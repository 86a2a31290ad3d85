"""When two runs compute the same rows, and when not."""

import os

import numpy as np
import pytest

from engine.data.source import RasterSource
from engine.infer.backends import open_backend
from engine.infer.installed import open_model
from engine.infer.job_key import job_key
from engine.infer.region import open_region
from engine.jobs import SegmentJob

IMAGE = np.random.default_rng(3).random((3, 40, 40), np.float32)


@pytest.fixture
def key(make_raster, segmenter):
    raster, model = make_raster(IMAGE), segmenter()

    def compute(layers=("uint8",), **changes):
        fields = {
            "input": raster,
            "model": model,
            "output": "map.tif",
            "device": "cpu",
            "threads": 1,
        }
        job = SegmentJob(**{**fields, **changes})
        loaded = open_model(job.model, "segmentation")
        backend = open_backend(loaded.path, loaded.card, job.device, job.threads)
        with RasterSource.open(
            job.input, loaded.card, bands=job.bands, nodata=job.nodata
        ) as source:
            region = open_region(source.grid, job.extent, job.extent_crs, job.mask)
            return job_key(job, loaded, backend, [source], region, layers)

    compute.raster = raster
    return compute


def test_where_the_results_go_does_not_change_them(key):
    same = {"output": "other.tif", "areas": "areas.csv", "resume": False, "device": "auto"}
    assert key() == key(**same) != ""


@pytest.mark.parametrize(
    "change",
    [
        {"overlap": 50},
        {"threads": 2},
        {"nodata": (0.5,)},
        {"bands": (3, 2, 1)},
        {"extent": (500_000.0, 4_599_800.0, 500_200.0, 4_600_000.0)},
        {"layers": ("uint8", "uint8")},
    ],
)
def test_other_work_is_another_job(key, change):
    assert key() != key(**change)


def test_an_extent_of_everything_is_none(key):
    assert key() == key(extent=(500_000.0, 4_599_600.0, 500_400.0, 4_600_000.0))


def test_another_model_is_another_job(key, segmenter):
    other = segmenter("other.onnx", title="Another title")
    assert key() != key(model=other)


def test_a_raster_that_was_written_since_is_another_one(key):
    before = key()
    os.utime(key.raster, (1, 1))
    assert key() != before


def test_statistics_beside_a_raster_change_nothing(key):
    """QGIS writes them when it shows the raster."""
    before = key()
    with open(f"{key.raster}.aux.xml", "w") as file:
        file.write(
            '<PAMDataset><PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MAXIMUM">1</MDI></Metadata>'
            "</PAMRasterBand></PAMDataset>"
        )
    assert key() == before


def test_a_raster_inside_an_archive_has_no_key(key, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "scene.zip", "w") as archive:
        archive.write(key.raster, "raster.tif")
    assert key(input=f"/vsizip/{tmp_path}/scene.zip/raster.tif") == ""
