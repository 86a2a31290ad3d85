"""A small map, references of it, and their judgement."""

import json

import numpy as np
import shapely

from engine.assess.evaluate import evaluate
from engine.jobs import EvaluateJob
from engine.progress import Progress
from tests.engine.assess.maps import TRANSFORM, centres, write_vector

VALUES = np.random.default_rng(11).choice([1, 2], (40, 50), p=[0.3, 0.7]).astype(np.uint8)
TITLES = {1: "Open water", 2: "Dry land", 5: "Ice"}


def judge(map_path, reference, progress=None, **options):
    result = evaluate(EvaluateJob(map_path, str(reference), **options), progress or Progress())
    json.dumps(result, allow_nan=False)
    return result


def points(tmp_path, truth, rows, columns, field="kind", **more):
    return write_vector(
        tmp_path / "points.gpkg", centres(rows, columns), **{field: np.array(truth, object)}, **more
    )


def square(row, column, size):
    left, top = TRANSFORM @ (column, row)
    return shapely.box(left, top - 10 * size, left + 10 * size, top)
