"""The extent and the mask of a map: what is outside is neither read nor computed."""

import numpy as np
import pyogrio
import pytest
import shapely

from engine.infer import survey
from engine.infer.segment import segment
from engine.jobs import SegmentJob
from tests.engine.infer.maps import read

LEFT, TOP = 500_000, 4_600_000


def run(job_fields, progress):
    return segment(SegmentJob(**{"device": "cpu", "threads": 1, **job_fields}), progress)


class TestArea:
    """64 x 64 pixels in windows of 16 without overlap: 4 x 4 windows of 160 m."""

    @pytest.fixture
    def ask(self, segmenter, make_raster, folder, recorder, monkeypatch):
        values = np.random.default_rng(3).random((3, 64, 64), np.float32)
        raster, model = make_raster(values), segmenter()

        def ask(**fields):
            monkeypatch.setattr(survey, "MOST", 0)  # the look before the run is not counted
            from engine.data.source import RasterSource

            windows, original = [], RasterSource.read
            monkeypatch.setattr(
                RasterSource, "read", lambda self, w: windows.append(w) or original(self, w)
            )
            output = str(folder / "map.tif")
            result = run(
                {"input": raster, "model": model, "output": output, "overlap": 0, **fields},
                recorder(),
            )
            monkeypatch.undo()
            return result, read(output), sum(window.width for window in windows) // 16, values

        return ask

    def test_windows_outside_the_extent_are_neither_read_nor_run(self, ask, brightest):
        """Columns 10..20 and rows 0..5 lie in two windows."""
        result, made, windows_read, values = ask(extent=(LEFT + 100, TOP - 50, LEFT + 200, TOP))
        assert result["windows"] == {"total": 16, "run": 2, "skipped": 14}
        assert windows_read == 2
        expected = np.zeros_like(made)
        expected[:5, 10:20] = brightest(values)[:5, 10:20]
        np.testing.assert_array_equal(made, expected)

    def test_an_extent_in_another_crs(self, ask):
        from rasterio.warp import transform_bounds

        inside = (LEFT + 105, TOP - 145, LEFT + 145, TOP - 105)
        degrees = transform_bounds("EPSG:32631", "EPSG:4326", *inside)
        result, made, _, _ = ask(extent=degrees, extent_crs="EPSG:4326")
        assert result["windows"]["run"] == 1
        rows, columns = np.nonzero(made)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 14, 10, 14)

    def test_only_pixels_with_their_centre_in_the_mask_are_written(self, ask, brightest, tmp_path):
        """A diagonal band, 105 m to either side: pixels up to 10 off the diagonal."""
        band = shapely.Polygon(
            [(LEFT, TOP), (LEFT + 105, TOP), (LEFT + 640, TOP - 535), (LEFT + 640, TOP - 640),
             (LEFT + 535, TOP - 640), (LEFT, TOP - 105)]
        )  # fmt: skip
        path = str(tmp_path / "mask.gpkg")
        pyogrio.raw.write(
            path, shapely.to_wkb(np.array([band], object)), [], [], geometry_type="Polygon",
            crs="EPSG:32631",
        )  # fmt: skip
        result, made, windows_read, values = ask(mask=path)
        rows, columns = np.mgrid[:64, :64]
        inside = np.abs(rows - columns) <= 10
        np.testing.assert_array_equal(made > 0, inside)
        np.testing.assert_array_equal(made[inside], brightest(values)[inside])
        # |row - column| <= 10 is reached in the windows of the diagonal and beside it: 4 + 3 + 3.
        assert result["windows"] == {"total": 16, "run": 10, "skipped": 6}
        assert windows_read == 10

    def test_the_map_in_an_extent_is_that_of_the_whole_raster(self, ask):
        _, whole, _, _ = ask(overlap=50)
        _, part, _, _ = ask(overlap=50, extent=(LEFT + 155, TOP - 405, LEFT + 305, TOP - 215))
        seen = part > 0
        assert seen.sum() == 16 * 20
        np.testing.assert_array_equal(part[seen], whole[seen])
