"""Collects the figures of experiments: of each trial, means over trials, and paired differences.

The standard deviation over draws shows how much depends on the draw. To decide whether one method
is better than another, both are measured on the same units (chips, draws or places); the interval
is that of the mean paired difference, by Student's t over the units.
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
    """The result of `work(*arguments)`, and its duration in seconds."""
    return _clocked(time.perf_counter, work, arguments)


def processor_timed(work: Callable[..., Result], *arguments: Any) -> tuple[Result, float]:
    """The same with CPU seconds of all threads, which do not depend on other programs on the machine."""
    return _clocked(time.process_time, work, arguments)


def _clocked(
    clock: Callable[[], float], work: Callable[..., Result], arguments: tuple[Any, ...]
) -> tuple[Result, float]:
    started = clock()
    result = work(*arguments)
    return result, clock() - started


@dataclass(frozen=True)
class Trial:
    """One method, fitted once and measured at one place.

    Attributes:
        experiment: The experiment, such as the number of labels or the split.
        place: Where it was measured; empty if there is only one place.
        method: Name of the method.
        figures: Value of each measure.
        fit_seconds: Time for fitting.
        predict_seconds: Time for prediction.
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
        title: Title of the part.
        about: What was measured and how, for readers of the table.
    """

    title: str
    about: str
    _trials: list[Trial] = field(default_factory=list)
    _units: dict[tuple[str, str, str, str], dict[Any, list[float]]] = field(default_factory=dict)

    def add(self, trial: Trial) -> None:
        """Adds a trial."""
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
        """Adds a method's values on units; of a unit that is added several times the mean is used."""
        seen = self._units.setdefault((experiment, place, measure, method), {})
        for unit, value in zip(units, values):
            seen.setdefault(unit, []).append(float(value))

    def summary(self) -> list[dict[str, Any]]:
        """A row for each experiment, place, method and measure, in the order of the trials.

        Returns:
            Rows with experiment, place, method, measure, mean, std (over trials; None for a single
            one), trials, values, fit_seconds and predict_seconds (means).
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
        """Differences of each reference method minus each other method, on the units of both.

        Args:
            references: Names of the reference methods.

        Returns:
            Rows with experiment, place, measure, method (the reference), baseline, and the items of
            `paired_difference`.
        """
        rows = []
        for (experiment, place, measure, baseline), theirs in self._units.items():
            for method in references:
                ours = self._units.get((experiment, place, measure, method))
                if baseline in references or ours is None:
                    continue
                common = [unit for unit in ours if unit in theirs]
                difference = paired_difference(
                    [float(np.mean(ours[unit])) for unit in common],
                    [float(np.mean(theirs[unit])) for unit in common],
                )
                row = {"experiment": experiment, "place": place, "measure": measure}
                rows.append({**row, "method": method, "baseline": baseline, **difference})
        return rows


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95
) -> dict[str, Any]:
    """Mean of ours - theirs over the same units, with its interval by Student's t.

    Args:
        ours: Our values on the units.
        theirs: Their values on the same units, in the same order.
        confidence: Confidence of the interval, 0..1.

    Returns:
        mean, low, high (None with fewer than two units), units (their number).
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
    """Rounds to four decimals; None for NaN and infinity, which JSON does not have."""
    return round(float(value), 4) if np.isfinite(value) else None


def told_draws(draws: range) -> str:
    """Number and range of draws as text: "5 draws (numbers 2000 to 2004)"."""
    return f"{len(draws)} draws (numbers {draws[0]} to {draws[-1]})"
