"""Counts of what a run has done so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Tally:
    """What a run has done so far.

    Attributes:
        total: Windows of the whole raster.
        run: Windows that the model saw.
        pixels: Pixels with a result.
        earlier: Of these, pixels that an earlier run had finished.
        model_seconds: Time spent in the model, added up over the lanes.
    """

    total: int = 0
    run: int = 0
    pixels: int = 0
    earlier: int = 0
    model_seconds: float = 0.0

    @property
    def skipped(self) -> int:
        """Windows that the model did not see: outside the area, or without a valid pixel."""
        return self.total - self.run

    def add(self, other: Tally) -> None:
        """Adds what another process did."""
        self.run += other.run
        self.pixels += other.pixels
        self.model_seconds += other.model_seconds

    def to_dict(self) -> dict[str, int]:
        """The counts of windows as the protocol reports them."""
        return {"total": self.total, "run": self.run, "skipped": self.skipped}
