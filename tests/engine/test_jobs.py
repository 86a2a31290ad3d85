import dataclasses

import pytest

from engine.errors import InvalidParameter
from engine.jobs import VERBS, ChangeJob, SegmentJob, run_job
from engine.progress import Progress

NEEDED = {"input": "in.tif", "model": "landcover", "output": "out.tif"}


def test_json_values_become_the_declared_types():
    job = SegmentJob.from_parameters(
        {**NEEDED, "bands": [4, 3], "extent": [0, 1, 2, 3], "overlap": 50}
    )
    assert (job.bands, job.extent, job.overlap) == ((4, 3), (0.0, 1.0, 2.0, 3.0), 50)
    assert job.device == "auto"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"input": "in.tif", "model": "m"}, "needs the parameter 'output'"),
        ({**NEEDED, "tile": 3}, "has no parameter 'tile'"),
        (
            {**NEEDED, "overlap": 90},
            "'overlap' of 'segment' is 90, but it must be between 0 and 75",
        ),
        ({**NEEDED, "overlap": "25"}, "expected a whole number"),
        ({**NEEDED, "overlap": 2.5}, "expected a whole number"),
        ({**NEEDED, "cog": 1}, "expected true or false"),
        ({**NEEDED, "device": "tpu"}, "choose one of: auto, cpu, gpu"),
        ({**NEEDED, "extent": [1, 2, 3]}, "expected four numbers"),
        ({**NEEDED, "min_area": -1}, "must be between 0 and inf"),
        ({**NEEDED, "min_area": float("nan")}, "expected a number"),
        ({**NEEDED, "min_area": float("inf")}, "expected a number"),
        ({**NEEDED, "overlap": float("inf")}, "expected a whole number"),
        ({**NEEDED, "bands": [2.7, 3]}, "expected a list of whole numbers"),
        ({**NEEDED, "bands": [True, 3]}, "expected a list of whole numbers"),
    ],
)
def test_a_wrong_parameter_is_told_with_what_was_expected(parameters, told):
    with pytest.raises(InvalidParameter) as error:
        SegmentJob.from_parameters(parameters)
    assert told in error.value.message


def test_threshold_is_none_or_between_zero_and_one():
    needed = {"before": "a.tif", "after": "b.tif", "model": "change", "output": "c.tif"}
    assert ChangeJob.from_parameters({**needed, "threshold": None}).threshold is None
    assert ChangeJob.from_parameters({**needed, "threshold": 1}).threshold == 1.0
    with pytest.raises(InvalidParameter, match="between 0 and 1"):
        ChangeJob.from_parameters({**needed, "threshold": 1.01})


@pytest.mark.parametrize("verb", ["segmnt", ["segment"], None])
def test_unknown_verbs_are_refused_with_the_list_of_verbs(verb):
    with pytest.raises(InvalidParameter, match="segment, classify, detect-change"):
        run_job({"verb": verb}, Progress())


def test_every_field_says_what_it_means():
    for job_class, _, _ in VERBS.values():
        for field in dataclasses.fields(job_class):
            assert field.metadata["help"], f"{job_class.__name__}.{field.name}"
