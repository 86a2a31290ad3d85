"""The accuracy figures of a card as HTML: all its numbers in tables, with readable names."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ...engine_messages import in_users_language
from ...i18n import localised, tr

# Abbreviations, with their usual spelling.
_WRITTEN = {
    "roc": "ROC",
    "auc": "AUC",
    "f1": "F1",
    "iou": "IoU",
    "miou": "mIoU",
    "cva": "CVA",
    "oscd": "OSCD",
    "l2a": "L2A",
    "l1c": "L1C",
    "eurosat": "EuroSAT",
}


# A wider table is split, so that the window need not be scrolled horizontally.
_MOST_COLUMNS = 5


def figures_html(figures: Mapping[str, Any]) -> str:
    """The figures in the card's order, single ones before groups.

    Args:
        figures: Numbers, texts, and nested mappings of these.
    """
    texts = [value for value in figures.values() if isinstance(value, str)]
    single = {key: value for key, value in figures.items() if _is_single(value)}
    groups = {key: value for key, value in figures.items() if isinstance(value, Mapping)}
    parts = [f"<p>{escape(in_users_language(text))}</p>" for text in texts]
    if single:
        parts.append(_table([[label(key), number(value)] for key, value in single.items()]))
    for key, group in groups.items():
        parts.append(f"<p><b>{escape(label(key))}</b></p>")
        parts.append(_grid(group) if _is_grid(group) else figures_html(group))
    return "".join(parts)


def overlap_note(html: str) -> str:
    """A paragraph that explains IoU, for below the figures; empty if these have no IoU."""
    if "IoU" not in html:
        return ""
    text = tr(
        "IoU (intersection over union) is the overlap of map and reference: the area where both show a class, "
        "divided by the area where at least one of them does. 1 is best."
    )
    return f"<p><i>{escape(text)}</i></p>"


def label(key: str) -> str:
    """A key of a card in readable form: "roc_auc_cva" becomes "ROC AUC CVA", "bare-ground" stays."""
    if key in (known := _names()):
        return known[key]
    written = [_WRITTEN.get(word.lower(), word) for word in key.split("_")]
    text = " ".join(written)
    return text[:1].upper() + text[1:] if written and written[0] == key.split("_")[0] else text


def number(value: Any) -> str:
    """A figure with a sensible number of digits."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(number, value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return localised(f"{value:.3f}") if isinstance(value, float) else f"{value}"


def _is_single(value: Any) -> bool:
    return not isinstance(value, (str, Mapping))


def _is_grid(group: Mapping[str, Any]) -> bool:
    """Whether every entry is a row of single figures, so that the group can be one table."""
    return len(group) > 1 and all(
        isinstance(row, Mapping) and row and all(map(_is_single, row.values()))
        for row in group.values()
    )


def _grid(group: Mapping[str, Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(column for row in group.values() for column in row))
    parts = -(-len(columns) // _MOST_COLUMNS)
    width = -(-len(columns) // parts)
    return "<br>".join(
        _columns(group, columns[start : start + width]) for start in range(0, len(columns), width)
    )


def _columns(group: Mapping[str, Mapping[str, Any]], columns: list[str]) -> str:
    rows = [
        [label(name), *(number(row[c]) if c in row else "" for c in columns)]
        for name, row in group.items()
    ]
    return _table(rows, ["", *map(label, columns)])


def _table(rows: list[list[str]], heads: list[str] | None = None) -> str:
    lines = []
    if heads:
        cells = "".join(f'<th align="right">{escape(head)}</th>' for head in heads)
        lines.append(f"<tr>{cells}</tr>")
    for row in rows:
        first, *others = row
        cells = "".join(f'<td align="right">{escape(cell)}</td>' for cell in others)
        lines.append(f"<tr><td>{escape(first)}</td>{cells}</tr>")
    return f'<table cellpadding="2" cellspacing="0">{"".join(lines)}</table>'


def _names() -> dict[str, str]:
    """Texts for the keys in cards of trained models."""
    return {
        "overall_accuracy": tr("Overall accuracy"),
        "interval_95": tr("95 % interval"),
        "kappa": tr("Kappa"),
        "miou": tr("Mean overlap (IoU)"),
        "macro_f1": tr("Mean F1"),
        "map": tr("Mean average precision"),
        "precision": tr("Precision"),
        "recall": tr("Recall"),
        "classes": tr("Classes"),
        "confusion": tr("Confusion matrix"),
        "samples": tr("Samples"),
        "places": tr("Places"),
        "reconstruction": tr("Reconstruction"),
        "model": tr("Model"),
        "interpolation": tr("Interpolation"),
        "mean": tr("Mean"),
        "method": tr("Method"),
        "base": tr("Base"),
        "name": tr("Name"),
        "rasters": tr("Rasters"),
        "labels": tr("Labels"),
        "field": tr("Field"),
        "labelled": tr("Labelled"),
        "area": tr("Area"),
        "seed": tr("Seed"),
        "scenes": tr("Scenes"),
        "epochs": tr("Epochs"),
        "stages": tr("Stages"),
        "loss": tr("Loss"),
        "final_loss": tr("Last loss"),
        "processes": tr("Processes"),
        "images": tr("Images"),
        "megapixels": tr("Megapixels"),
        "data": tr("Data"),
        "seconds": tr("Seconds"),
        "window": tr("Window"),
        "windows": tr("Windows"),
        "batch": tr("Batch"),
        "steps": tr("Steps"),
        "learning_rate": tr("Learning rate"),
        "mask_ratio": tr("Hidden"),
        "left_out": tr("Left out"),
    }
