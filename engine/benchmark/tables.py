"""The benchmark's results as Markdown tables, for docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def render(result: Mapping[str, Any]) -> str:
    """Markdown of a result of `run.benchmark`: figures, differences and times of each part."""
    lines: list[str] = []
    for part in result["parts"].values():
        lines += [f"## {part['title']}", "", part["about"], ""]
        for measure in _unique(row["measure"] for row in part["figures"]):
            rows = [row for row in part["figures"] if row["measure"] == measure]
            lines += [*figures_table(measure, rows), ""]
        if part["differences"]:
            lines += [*differences_table(part["differences"]), ""]
        lines += [*times_table(part["figures"]), ""]
    names = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    return "\n".join([*lines, f"Measured with {names}."]) + "\n"


def figures_table(measure: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of one measure: a row for each method, a column for each experiment and place.

    If a part has more places than methods, the places are the rows.
    """
    methods = _unique(row["method"] for row in rows)
    columns = _unique((row["experiment"], row["place"]) for row in rows)
    cell = {
        (row["method"], (row["experiment"], row["place"])): _mean_and_spread(row) for row in rows
    }
    one_experiment = len({experiment for experiment, _ in columns}) == 1
    names = [place or experiment for experiment, place in columns]
    if not one_experiment:
        names = [", ".join(filter(None, column)) for column in columns]
    if len(columns) <= len(methods) or not one_experiment:
        body = [[method, *(cell.get((method, c), "") for c in columns)] for method in methods]
        return _table([measure, *names], body)
    body = [[name, *(cell.get((m, c), "") for m in methods)] for name, c in zip(names, columns)]
    return _table([measure, *methods], body)


def differences_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of the product minus each baseline, with 95 % intervals."""
    body = []
    for row in rows:
        interval = "" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}"
        mean = "" if row["mean"] is None else f"{row['mean']:+.3f}"
        where = ", ".join(filter(None, (row["experiment"], row["place"], row["measure"])))
        body.append(
            [f"{row['method']} minus {row['baseline']}", where, mean, interval, row["units"]]
        )
    return _table(["difference", "where", "mean", "95 % interval", "units"], body)


def times_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of seconds for fitting and prediction, means over all rows of a method in a part."""
    body = []
    for method in _unique(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        means = [
            sum(row[name] for row in own) / len(own) for name in ("fit_seconds", "predict_seconds")
        ]
        body.append([method, *(f"{mean:.2f}" for mean in means)])
    return _table(["seconds", "fit", "predict"], body)


def _mean_and_spread(row: Mapping[str, Any]) -> str:
    if row["mean"] is None:
        return ""
    spread = "" if row["std"] is None else f" ± {row['std']:.3f}"
    return f"{row['mean']:.3f}{spread}"


def _table(header: Sequence[Any], body: Sequence[Sequence[Any]]) -> list[str]:
    lines = [header, ["---"] * len(header), *body]
    return ["| " + " | ".join(str(item) for item in line) + " |" for line in lines]


def _unique(items: Any) -> list[Any]:
    return list(dict.fromkeys(items))
