from pathlib import Path

import numpy as np
import pytest
import rasterio

from engine.benchmark.speed.scene import make_scene
from engine.benchmark.speed.tile_loop import map_by_tiles
from engine.infer.installed import open_model
from engine.infer.segment import segment
from engine.jobs import SegmentJob
from engine.progress import Progress


@pytest.mark.parametrize(("height", "width"), [(200, 150), (128, 300), (100, 90)])
def test_it_maps_what_the_product_maps(tmp_path, height, width):
    """The middles are put together without gaps; only at the seams does blending decide otherwise now and then."""
    raster, loop, ours = (tmp_path / name for name in ("scene.tif", "loop.tif", "ours.tif"))
    make_scene(raster, height, width)
    model = open_model("landcover", "segmentation")
    twice = map_by_tiles(raster, Path(model.path), model.card, loop, 25)
    assert twice > 0
    segment(SegmentJob(str(raster), "landcover", str(ours), device="cpu"), Progress())
    with rasterio.open(loop) as one, rasterio.open(ours) as other:
        expected, found = other.read(1), one.read(1)
    assert (found != model.card.nodata).all()
    assert np.mean(found == expected) > 0.97
