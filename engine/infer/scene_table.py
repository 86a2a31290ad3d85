"""The table of a batch: up to date after every scene, and read by a later run to see what is done."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data.opening import files_of, open_raster
from ..errors import EngineError
from ..logins import masked
from ..parameters import Job
from .job_key import stated
from .staging import CSV_ENCODING, SCRATCH_PREFIX, machine, remove_left_behind, write_error

TABLE, RECORDS = "scenes.csv", "scenes.json"
DONE, FAILED = "done", "failed"
COLUMNS = (
    "scene", "status", "input", "output", "reason", "seconds", "windows", "megapixels_per_second",
    "device", "backend",
)  # fmt: skip
# Parameters that decide where a scene is computed, not what comes out.
_APART = {"resume", "scheduler", "threads", "workers"}


class SceneTable:
    """The files `scenes.json`, with the full record of each scene, and `scenes.csv`, with a line for each.

    Both are replaced atomically after each scene, so a killed run loses no finished one.
    """

    def __init__(self, folder: Path, order: Sequence[str]) -> None:
        """Reads the records of earlier runs into this folder.

        Args:
            folder: Folder of the outputs.
            order: Names of this run's scenes; records of others stay in the table.
        """
        self._folder, self._order = folder, list(order)
        remove_left_behind(folder)
        self._records = _read(folder / RECORDS)

    def is_done(self, name: str, key: str) -> bool:
        """Whether an earlier run did the same with the same files, and its outputs are unchanged since."""
        record = self._records.get(name, {})
        if not key or record.get("key") != key or record.get("status") != DONE:
            return False
        return all(_state(Path(path)) == state for path, state in record["files"].items())

    def done(self, name: str, key: str, rasters: Sequence[str], result: Mapping[str, Any]) -> None:
        """Records a finished scene.

        Args:
            name: Name of the scene.
            key: From `scene_key`.
            rasters: The scene's inputs.
            result: Result of its verb.

        Raises:
            OutputNotWritable: The table cannot be written.
            DiskFull: The disk has no room.
        """
        files = {path: _state(Path(path)) for path in result["outputs"].values()}
        self._note(
            name, {"status": DONE, "key": key, "inputs": list(rasters), "files": files, **result}
        )

    def failed(self, name: str, rasters: Sequence[str], reason: str) -> None:
        """Records a scene that failed, and why; raises what `done` raises."""
        self._note(name, {"status": FAILED, "inputs": list(rasters), "reason": reason})

    def _note(self, name: str, record: dict[str, Any]) -> None:
        self._records[name] = masked(record)
        listed = self._listed()
        text = json.dumps(listed, indent=1, ensure_ascii=False)
        try:
            _replace(self._folder / RECORDS, lambda file: file.write(text + "\n"))
        except OSError as error:
            raise write_error(self._folder / RECORDS, error) from error
        self._tabulate(listed)

    def complete(self) -> bool:
        """Brings the table up to date at the end of a run; False when another program still holds it."""
        return self._tabulate(self._listed())

    def _listed(self) -> dict[str, dict[str, Any]]:
        names = [*self._order, *(name for name in self._records if name not in self._order)]
        return {name: self._records[name] for name in names if name in self._records}

    def _tabulate(self, listed: Mapping[str, Mapping[str, Any]]) -> bool:
        """Writes the table; False where a spreadsheet locks it on Windows, which must not end the run."""
        path = self._folder / TABLE
        try:
            _replace(path, lambda file: _write_table(file, listed), CSV_ENCODING)
        except PermissionError:
            return False
        except OSError as error:
            raise write_error(path, error) from error
        return True


def scene_key(job: Job, rasters: Sequence[str], model: str) -> str:
    """A digest of what the outputs of a scene depend on; the engine's version is not part of it.

    Args:
        job: The checked job.
        rasters: The scene's inputs.
        model: SHA-256 of the model.

    Returns:
        Hexadecimal; empty when a raster cannot be opened, or is not stored in files whose change would show.
    """
    files: list[list[Any]] = []
    for raster in rasters:
        try:
            with open_raster(raster) as dataset:
                own = [file for file in files_of(dataset) if not file.endswith(".aux.xml")]
            if not own:
                return ""
            files += [stated(Path(file)) for file in sorted(own)]
        except (EngineError, OSError):
            return ""
    given = {name: value for name, value in vars(job).items() if name not in _APART}
    facts = json.dumps([job.verb, given, model, files], sort_keys=True, default=str)
    return hashlib.sha256(facts.encode()).hexdigest()


def _state(path: Path) -> list[int]:
    """Size and time of a file; empty when it is gone."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): dict(record) for name, record in records.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _replace(path: Path, write: Any, encoding: str = "utf-8") -> None:
    part = path.with_name(f"{SCRATCH_PREFIX}{os.getpid()}-{path.name}.{machine()}")
    try:
        with part.open("w", newline="", encoding=encoding) as file:
            write(file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_table(file: Any, records: Mapping[str, Mapping[str, Any]]) -> None:
    areas = sorted(
        {area["name"] for record in records.values() for area in record.get("areas", ())}
    )
    table = csv.writer(file)
    table.writerow([*COLUMNS, *(f"{name}_m2" for name in areas)])
    for name, record in records.items():
        cells = {
            **record,
            "scene": name,
            "input": "; ".join(record["inputs"]),
            "output": record.get("outputs", {}).get("output", ""),
            "windows": record.get("windows", {}).get("run", ""),
        }
        ground = {area["name"]: area["area_m2"] for area in record.get("areas", ())}
        table.writerow(
            [
                *(cells.get(column, "") for column in COLUMNS),
                *(ground.get(name, "") for name in areas),
            ]
        )
