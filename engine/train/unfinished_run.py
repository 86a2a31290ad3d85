"""The checkpoint folder of a pretraining: its settings, beside the stages' checkpoints, for a run to resume from."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import CheckpointMismatch, OutputNotWritable
from ..logins import masked, without_secrets
from .stages import Stage

FILE = "run.json"


class UnfinishedRun:
    """The settings of an unfinished run, which must be the same when it is resumed.

    Attributes:
        folder: The checkpoint folder.
        stages: The stages of the run, with batches reduced where memory did not suffice; None for a new
            run.
        changed: Rasters whose file has changed since the run began.
    """

    def __init__(
        self, folder: str, settings: Mapping[str, Any], rasters: Sequence[str] = ()
    ) -> None:
        """Reads the folder.

        Args:
            folder: The checkpoint folder; need not exist yet.
            settings: Everything the result depends on, as JSON values.
            rasters: Rasters that are learned from.

        Raises:
            CheckpointMismatch: It holds a run with other settings.
        """
        self.folder = Path(folder)
        self._settings = masked(json.loads(json.dumps(dict(settings))))
        self._rasters = {without_secrets(name): _state(name) for name in rasters}
        self.stages: tuple[Stage, ...] | None = None
        self.changed: tuple[str, ...] = ()
        if (self.folder / FILE).is_file():
            self._take_up(self.folder / FILE)

    def _take_up(self, path: Path) -> None:
        """Reads the file of an earlier run, and checks that it is the same one."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            settings_then = dict(stored["settings"])
            self.stages = tuple(Stage(**stage) for stage in stored["stages"])
            rasters_then = dict(stored.get("rasters", {}))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointMismatch(
                f"{path} cannot be read, so the run in this folder cannot be continued. Delete the folder, or specify "
                "another one.",
                details=repr(error),
            ) from error
        names = dict.fromkeys([*self._settings, *settings_then])
        other = [n for n in names if settings_then.get(n) != self._settings.get(n)]
        if other:
            raise CheckpointMismatch(
                f"The folder {self.folder} contains a run with different settings ({', '.join(other)}). Use the same "
                "settings to continue it, specify another folder, or delete the folder.",
                details=f"there: { {n: settings_then.get(n) for n in other} }\n"
                f"here: { {n: self._settings.get(n) for n in other} }",
            )
        self.changed = tuple(
            name for name, state in self._rasters.items() if rasters_then.get(name, state) != state
        )

    def write(self, stages: Sequence[Stage]) -> None:
        """Writes settings and stages.

        Raises:
            OutputNotWritable: The folder cannot be written.
        """
        self.stages = tuple(stages)
        content = {
            "settings": self._settings,
            "stages": [dataclasses.asdict(stage) for stage in stages],
            "rasters": self._rasters,
        }
        path = self.folder / FILE
        part = path.with_name(FILE + ".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(content, indent=1), encoding="utf-8")
            os.replace(part, path)
        except OSError as error:
            raise OutputNotWritable(
                f"The checkpoint folder {self.folder} cannot be written. Choose another one.",
                details=repr(error),
            ) from error

    def shrink(self, number: int, batch: int) -> None:
        """Records that a stage, numbered from 0, needs a smaller batch."""
        stages = list(self.stages or ())
        stages[number] = dataclasses.replace(stages[number], batch=batch)
        self.write(stages)

    def remove(self) -> None:
        """Deletes the run's files, and the folder if it is then empty."""
        for path in [self.folder / FILE, *self.folder.glob("stage*.pt")]:
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _state(raster: str) -> list[int]:
    """Size and modification time of a file; empty if it is not one."""
    try:
        status = os.stat(raster)
    except (OSError, ValueError):
        return []
    return [status.st_size, status.st_mtime_ns]
