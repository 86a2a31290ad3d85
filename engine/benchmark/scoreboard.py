"""The figures of an experiment: of every trial, then over trials, then against each other.

The spread of a mean over draws says how much depends on the draw. Whether one method is better than
another is asked in pairs: both are measured on the same units (chips, draws or places), and the
interval is that of the mean difference, by Student's t over the units.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from scipy import stats

Result = TypeVar("Result")


def timed(work: Callable[..., Result], *arguments: Any) -> tuple[Result, float]:
    """What `work(*arguments)` returns, and the seconds it took."""
    return _clocked(time.perf_counter, work, arguments)


def processor_timed(work: Callable[..., Result], *arguments: Any) -> tuple[Result, float]:
    """The same in processor seconds of all threads, which other programs on the machine do not change."""
    return _clocked(time.process_time, work, arguments)


def _clocked(
    clock: Callable[[], float], work: Callable[..., Result], arguments: tuple[Any, ...]
) -> tuple[Result, float]:
    started = clock()
    result = work(*arguments)
    return result, clock() - started


@dataclass(frozen=True)
class Trial:
    """One method, fitted once, measured at one place.

    Attributes:
        experiment: What was done: how many labels, which split.
        place: Where it was measured, empty where there is but one place.
        method: Name of the method.
        figures: Value of each measure.
        fit_seconds: Time to learn. predict_seconds: Time to predict what was measured.
    """

    experiment: str
    place: str
    method: str
    figures: Mapping[str, float]
    fit_seconds: float
    predict_seconds: float


@dataclass
class Scoreboard:
    """Trials and paired units of one part of the benchmark.

    Attributes:
        title: Title of the part. about: What was measured, how, for a reader of the table.
    """

    title: str
    about: str
    _trials: list[Trial] = field(default_factory=list)
    _units: dict[tuple[str, str, str, str], dict[Any, list[float]]] = field(default_factory=dict)

    def add(self, trial: Trial) -> None:
        """Takes a trial."""
        self._trials.append(trial)

    def pair(
        self,
        experiment: str,
        place: str,
        measure: str,
        method: str,
        units: Iterable[Any],
        values: Iterable[float],
    ) -> None:
        """Takes a method's value on each unit; a unit seen several times counts by its mean."""
        seen = self._units.setdefault((experiment, place, measure, method), {})
        for unit, value in zip(units, values):
            seen.setdefault(unit, []).append(float(value))

    def summary(self) -> list[dict[str, Any]]:
        """A row for each experiment, place, method and measure, in the order of the trials.

        Returns:
            experiment, place, method, measure, mean, std (over trials, None for a single one),
            trials, values, fit_seconds and predict_seconds (means).
        """
        groups: dict[tuple[str, str, str, str], list[Trial]] = {}
        for trial in self._trials:
            for measure in trial.figures:
                key = (trial.experiment, trial.place, trial.method, measure)
                groups.setdefault(key, []).append(trial)
        rows = []
        for (experiment, place, method, measure), trials in groups.items():
            values = np.array([trial.figures[measure] for trial in trials], float)
            rows.append(
                {
                    "experiment": experiment,
                    "place": place,
                    "method": method,
                    "measure": measure,
                    "mean": rounded(values.mean()),
                    "std": rounded(values.std(ddof=1)) if values.size > 1 else None,
                    "trials": len(trials),
                    "values": [rounded(value) for value in values],
                    "fit_seconds": rounded(np.mean([t.fit_seconds for t in trials])),
                    "predict_seconds": rounded(np.mean([t.predict_seconds for t in trials])),
                }
            )
        return rows

    def differences(self, references: Sequence[str]) -> list[dict[str, Any]]:
        """Each reference method less each other one that is no reference, on the units of both.

        Args:
            references: Names of methods.

        Returns:
            experiment, place, measure, method (the reference), peer, and `paired_difference`.
        """
        rows = []
        for (experiment, place, measure, peer), theirs in self._units.items():
            for method in references:
                ours = self._units.get((experiment, place, measure, method))
                if peer in references or ours is None:
                    continue
                common = [unit for unit in ours if unit in theirs]
                difference = paired_difference(
                    [float(np.mean(ours[unit])) for unit in common],
                    [float(np.mean(theirs[unit])) for unit in common],
                )
                row = {"experiment": experiment, "place": place, "measure": measure}
                rows.append({**row, "method": method, "peer": peer, **difference})
        return rows


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95
) -> dict[str, Any]:
    """Mean of ours - theirs over the same units, with its interval by Student's t.

    Args:
        ours: Value on each unit.
        theirs: On the same units, in the same order.
        confidence: Confidence of the interval.

    Returns:
        mean, low, high (None with fewer than two units), units.
    """
    difference = np.asarray(ours, float) - np.asarray(theirs, float)
    difference = difference[np.isfinite(difference)]
    count = difference.size
    if count < 2:
        mean = rounded(difference.mean()) if count else None
        return {"mean": mean, "low": None, "high": None, "units": count}
    half = stats.t.ppf((1 + confidence) / 2, count - 1) * difference.std(ddof=1) / np.sqrt(count)
    middle = difference.mean()
    return {
        "mean": rounded(middle),
        "low": rounded(middle - half),
        "high": rounded(middle + half),
        "units": count,
    }


def rounded(value: float | np.floating[Any]) -> float | None:
    """Four decimals; None for what is no number, since JSON has no NaN."""
    return round(float(value), 4) if np.isfinite(value) else None


def told_draws(draws: range) -> str:
    """How many there are, and which: "5 draws (numbers 2000 to 2004)"."""
    return f"{len(draws)} draws (numbers {draws[0]} to {draws[-1]})"
