"""A map and a sample of it."""

import numpy as np
import pytest

from engine.assess.sample import draw_sample
from engine.jobs import SampleJob
from engine.progress import Progress
from tests.engine.assess.judging import TITLES, VALUES
from tests.engine.assess.maps import CLASSES, read_vector, write_map, write_vector


@pytest.fixture
def map_path(tmp_path):
    return write_map(tmp_path / "map.tif", VALUES, classes=CLASSES)


@pytest.fixture
def sampled(tmp_path, map_path):
    """A sample of the map, labelled with a truth in which a tenth of the land is water."""
    output = tmp_path / "sample.gpkg"
    draw_sample(SampleJob(map_path, str(output), size=200, allocation="equal"), Progress())
    geometries, fields = read_vector(output)
    wrong = (fields["stratum"] == 2) & (np.arange(len(geometries)) % 10 == 0)
    fields["reference"] = np.where(wrong, "water", fields["stratum_name"]).astype(object)
    fields["reference"][fields["reference"] == "water"] = TITLES[1]
    labelled = write_vector(tmp_path / "labelled.gpkg", geometries, **fields)
    return labelled, fields, wrong
