"""Splits a batch job into one job for each scene: which rasters, which outputs, under which names."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from ..batch_jobs import BESIDE, BatchJob
from ..errors import InvalidParameter
from ..jobs import ChangeJob, ClassifyJob, SegmentJob

SceneJob = Union[SegmentJob, ClassifyJob, ChangeJob]
_JOBS: dict[str, type[SceneJob]] = {job.verb: job for job in (SegmentJob, ClassifyJob, ChangeJob)}
# Optional outputs beside the main one: the job's parameter, and the ending of the file's name.
_FIELDS = {
    "confidence": ("confidence", "_confidence"),
    "probability": ("probability", "_probability"),
    "vector": ("output_vector", ".gpkg"),
    "areas": ("areas", ".csv"),
}
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Scene:
    """One scene of a batch.

    Attributes:
        name: Name of its outputs, without the ending.
        rasters: One raster, or two dates for change.
        job: The job to run.
    """

    name: str
    rasters: tuple[str, ...]
    job: SceneJob


def scene_jobs(job: BatchJob) -> list[Scene]:
    """The scenes of a job, in their order.

    Raises:
        InvalidParameter: There is none, a date has no second one, the list cannot be read, two would write to the
            same file, or the task has no such output.
    """
    rasters = [*job.inputs, *_listed(job.inputs_list)]
    if not rasters:
        raise InvalidParameter(
            "No scene was specified. List rasters with inputs, or give a text file with one raster per line with "
            "inputs_list."
        )
    if job.task == ChangeJob.verb:
        if len(rasters) % 2:
            raise InvalidParameter(
                f"Change detection needs two rasters for each scene, but {len(rasters)} were given; the last one is "
                f"'{rasters[-1]}'. Specify a first and a second date for each scene."
            )
        scenes: list[tuple[str, ...]] = list(zip(rasters[::2], rasters[1::2]))
    else:
        scenes = [(raster,) for raster in rasters]
    named = [
        Scene(name, given, _job_of(job, name, given)) for name, given in zip(_names(scenes), scenes)
    ]
    _check_apart(named)
    return named


def _check_apart(scenes: Sequence[Scene]) -> None:
    """Refuses scenes that would write over each other's outputs, such as a_confidence.tif, or inputs."""
    written: dict[str, Scene] = {}
    for scene in scenes:
        outputs = [getattr(scene.job, name, "") for name in ("output", *dict(_FIELDS.values()))]
        for path in map(_place, filter(None, outputs)):
            other = written.setdefault(path, scene)
            if other is not scene:
                raise InvalidParameter(
                    f"The scenes '{other.rasters[0]}' and '{scene.rasters[0]}' would be written to the same output. "
                    "Leave one out, or rename a file."
                )
    for scene in scenes:
        for raster in scene.rasters:
            if written.get(_place(raster), scene) is not scene:
                raise InvalidParameter(
                    f"The output '{raster}' is also an input and would be overwritten. Choose another name."
                )


def _place(path: str) -> str:
    return os.path.normcase(os.path.abspath(path))


def _listed(path: str) -> list[str]:
    if not path:
        return []
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InvalidParameter(
            f"The list of scenes '{path}' cannot be read. Use a text file (UTF-8) with the path of one raster per "
            "line.",
            details=repr(error),
        ) from error
    lines = [line.strip() for line in text.splitlines()]
    named = [line for line in lines if line and not line.startswith("#")]
    return [part.strip() for line in named for part in line.split("\t") if part.strip()]


def _names(scenes: Sequence[tuple[str, ...]]) -> list[str]:
    """Names from the files; preceded by their folders' names where files in several folders are called alike."""
    for parts in (1, 2, 3):
        names = ["_".join(_name(raster, parts) for raster in scene) for scene in scenes]
        counts = Counter(map(os.path.normcase, names))
        alike = [scene for name, scene in zip(names, scenes) if counts[os.path.normcase(name)] > 1]
        if not alike:
            return names
    raise InvalidParameter(
        f"The scenes '{alike[0][0]}' and '{alike[1][0]}' would be written to the same output. Leave one out, or "
        "rename a file."
    )


def _name(raster: str, parts: int) -> str:
    path = Path(raster)
    name = "_".join([*path.parts[:-1][len(path.parts) - parts :], path.stem])
    return _NOT_IN_NAMES.sub("_", name).strip("_.") or "scene"


def _job_of(job: BatchJob, name: str, rasters: tuple[str, ...]) -> SceneJob:
    kind = _JOBS[job.task]
    fields = {field.name for field in dataclasses.fields(kind)}
    given: dict[str, Any] = {
        field.name: getattr(job, field.name)
        for field in dataclasses.fields(job)
        if field.name in fields
    }
    given.update(zip(("before", "after") if kind is ChangeJob else ("input",), rasters))
    folder = Path(job.output_folder)
    raster = ".vrt" if job.tiles else ".tif"
    given["output"] = str(folder / f"{name}{'.gpkg' if kind is ClassifyJob else raster}")
    for beside in job.beside:
        field, ending = _FIELDS.get(beside, ("", ""))
        if field not in fields:
            raise InvalidParameter(
                f"'{job.task}' cannot write '{beside}' in addition to its output. Available: "
                f"{', '.join(word for word in BESIDE if _FIELDS[word][0] in fields) or 'none'}."
            )
        given[field] = str(folder / f"{name}{ending}{'' if '.' in ending else raster}")
    return kind(**given)
