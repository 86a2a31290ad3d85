"""The record of a training run: metrics by round, classes, and the best round so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ROUND, PART = "val_", "part_"


@dataclass(frozen=True)
class ClassScore:
    """The latest score of a class.

    Attributes:
        title: Title of the class.
        color: "#rrggbb".
        iou: IoU, 0..1; None if not known.
    """

    title: str
    color: str
    iou: float | None


@dataclass
class RunRecord:
    """Collects the engine's reports of one run.

    Attributes:
        series: Values by step for each metric; see the engine's protocol for the names.
        facts: Facts that hold from now on: classes, method, rounds, parts, keeps.
    """

    series: dict[str, dict[int, float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def measure(self, name: str, step: int, value: float) -> None:
        """Takes one value of a metric; it replaces an earlier one of the same step."""
        self.series.setdefault(name, {})[step] = value

    def describe(self, facts: dict[str, Any]) -> None:
        """Takes facts that hold from now on."""
        self.facts.update(facts)

    @property
    def keeps(self) -> bool:
        """Whether a cancel would leave a model."""
        return bool(self.facts.get("keeps"))

    @property
    def rounds(self) -> int:
        """The maximum number of rounds; 0 if only a head is fitted, which has no rounds."""
        return int(self.facts.get("rounds") or 0)

    @property
    def parts(self) -> int:
        """The number of parts in which labels are held back in turn; 0 if none can be."""
        return int(self.facts.get("parts") or 0)

    @property
    def round_done(self) -> int:
        """The last completed round."""
        return max(self.series.get("loss", {}), default=0)

    @property
    def score_name(self) -> str:
        """The metric by which the best round is chosen; empty if no labels are held back."""
        names = ("map", "accuracy") if "val_miou" not in self.series else ("miou",)
        return next((ROUND + name for name in names if ROUND + name in self.series), "")

    def best_round(self) -> tuple[int, float] | None:
        """Number and score of the best round so far, where 0 is the head before the first round; None if no scores."""
        scores = self.series.get(self.score_name, {})
        if not scores:
            return None
        best = min(scores, key=lambda step: (-scores[step], step))
        return best, scores[best]

    def class_scores(self) -> list[ClassScore]:
        """The classes in the model's order, each with its latest score."""
        prefix = ROUND if any(name.startswith(ROUND + "iou/") for name in self.series) else PART
        scores = []
        for item in self.facts.get("classes", ()):
            found = self.series.get(f"{prefix}iou/{item['title']}", {})
            latest = found[max(found)] if found else None
            scores.append(ClassScore(item["title"], item["color"], latest))
        return scores

    @property
    def judged_parts(self) -> int:
        """The number of parts that have been evaluated."""
        return max(self.series.get(PART + "accuracy", self.series.get(PART + "map", {})), default=0)
