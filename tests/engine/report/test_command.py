import dataclasses
import shlex

from engine.command_line import parsed
from engine.jobs import EvaluateJob, SegmentJob
from engine.report.command import command_line


def again(job):
    words = shlex.split(command_line(job))
    assert words[:3] == ["python", "-m", "engine"]
    options = parsed(words[3:])
    return type(job).from_parameters(
        {k: v for k, v in options.items() if k not in ("verb", "json")}
    )


def test_the_command_line_makes_the_same_job():
    job = SegmentJob(
        "my scene.tif", "landcover", "it's.tif", bands=(3, 2, 1), min_area=5.5, cog=True
    )
    assert again(job) == job
    assert again(dataclasses.replace(job, resume=False)).resume is False
    far_west = dataclasses.replace(job, extent=(-71.5, -33.0, -71.0, -32.5))
    assert again(far_west) == far_west


def test_defaults_are_left_out():
    assert command_line(EvaluateJob("m.tif", "r.gpkg", "kind")) == (
        "python -m engine evaluate --input m.tif --reference r.gpkg --field kind"
    )
