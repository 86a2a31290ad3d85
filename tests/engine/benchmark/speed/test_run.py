import json

import pytest

from engine.assessment_jobs import BenchmarkJob
from engine.benchmark.kinds import benchmark
from engine.benchmark.speed.parts import PARTS
from engine.errors import InvalidParameter
from engine.progress import Progress


def test_a_part_is_measured_and_written(tmp_path):
    output = tmp_path / "speed.json"
    job = BenchmarkJob(
        "speed", parts=("area_of_interest",), side=640, repeats=1, output=str(output)
    )
    result = benchmark(job, Progress())
    part = result["parts"]["area_of_interest"]
    whole, area = part["rows"]
    # 320 px: 3 x 3 windows; the area's 67 px lie in the first two rows and columns of windows at most.
    assert area["note"].endswith(" of 9 windows")
    ((_, ratio),) = part["ratios"]
    assert ratio == area["median"] / whole["median"]
    assert json.loads(output.read_text(encoding="utf-8"))["machine"] == result["machine"]
    assert "## Area of interest" in (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert set(result["outputs"]) == {"output", "table"}


def test_an_unknown_part():
    with pytest.raises(InvalidParameter, match=f"There are: {', '.join(PARTS)}"):
        benchmark(BenchmarkJob("speed", parts=("speed",)), Progress())
