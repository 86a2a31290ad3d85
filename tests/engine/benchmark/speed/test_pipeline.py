"""A real run with a model that gives back ten of the bands."""

from engine.assessment_jobs import BenchmarkJob
from engine.benchmark.kinds import benchmark
from engine.progress import Progress


def test_the_run_is_measured():
    """Its 384 x 384 px are .147 Mpx; the start of the process is part of the seconds, and hardly any of the model's."""
    result = benchmark(BenchmarkJob("speed", parts=("pipeline",), side=384, repeats=1), Progress())
    rows = {row["name"]: row["median"] for row in result["parts"]["pipeline"]["rows"]}
    assert rows["speed"] * rows["whole run"] >= 384 * 384 / 1e6
    assert 0 <= rows["inside the model"] < rows["whole run"]
    assert rows["peak memory"] > 50
