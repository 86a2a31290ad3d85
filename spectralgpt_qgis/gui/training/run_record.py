"""What is known of a training run: figures by round, classes, and which round is the best so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ROUND, PART = "val_", "part_"


@dataclass(frozen=True)
class ClassScore:
    """The latest figure of one class.

    Attributes:
        title: Title of the class.
        color: "#rrggbb".
        iou: 0..1; None where none is known.
    """

    title: str
    color: str
    iou: float | None


@dataclass
class RunRecord:
    """Collects what the engine tells of one run.

    Attributes:
        series: Figures by step, of each metric; see the engine's protocol for the names.
        facts: What holds: classes, method, rounds, parts, keeps.
    """

    series: dict[str, dict[int, float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def measure(self, name: str, step: int, value: float) -> None:
        """Takes one point of a curve; a later one of the same step replaces it."""
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
        """How many rounds there are at most; 0 for a head alone, which has none."""
        return int(self.facts.get("rounds") or 0)

    @property
    def parts(self) -> int:
        """In how many parts labels are held back; 0 where none can be."""
        return int(self.facts.get("parts") or 0)

    @property
    def round_done(self) -> int:
        """The last round that is complete."""
        return max(self.series.get("loss", {}), default=0)

    @property
    def score_name(self) -> str:
        """The metric that the best round is chosen by; empty where nothing is held back."""
        names = ("map", "accuracy") if "val_miou" not in self.series else ("miou",)
        return next((ROUND + name for name in names if ROUND + name in self.series), "")

    def best_round(self) -> tuple[int, float] | None:
        """Number and score of the best round so far, 0 for the head before the first; None without scores."""
        scores = self.series.get(self.score_name, {})
        if not scores:
            return None
        best = min(scores, key=lambda step: (-scores[step], step))
        return best, scores[best]

    def class_scores(self) -> list[ClassScore]:
        """The classes in the model's order, with the latest figure of each."""
        prefix = ROUND if any(name.startswith(ROUND + "iou/") for name in self.series) else PART
        scores = []
        for item in self.facts.get("classes", ()):
            found = self.series.get(f"{prefix}iou/{item['title']}", {})
            latest = found[max(found)] if found else None
            scores.append(ClassScore(item["title"], item["color"], latest))
        return scores

    @property
    def judged_parts(self) -> int:
        """How many of the parts have been judged."""
        return max(self.series.get(PART + "accuracy", self.series.get(PART + "map", {})), default=0)
