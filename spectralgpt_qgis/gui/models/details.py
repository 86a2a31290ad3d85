"""All details of a model as HTML, in the colours of the current theme."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QLocale

from ...engine_messages import in_users_language
from ...i18n import localised, tr
from ...installed_model import OWN, SHARED, InstalledModel
from ..describe import words
from .entry import ModelEntry, origin_text, task_text
from .figures import figures_html, label, number, overlap_note

_NOT_SHOWN = ("label_fingerprints",)  # for the engine alone


def details_html(entry: ModelEntry, compared: dict[str, Any] | None) -> str:
    """The task, inputs, accuracy and origin of a model.

    Args:
        entry: The model.
        compared: Its comparison with the chosen raster, from the engine's verb `describe`; None if there is none.
    """
    model = entry.main
    parts = [f"<h2>{escape(model.title)}</h2>"]
    if compared is not None:
        parts.append(_fit(compared))
    if model.description:
        parts.append(f"<p>{escape(model.description)}</p>")
    parts.append(_facts(_about(entry)))
    if model.classes:
        parts.append(f"<h3>{tr('Classes')}</h3>{_classes(model)}")
    parts.append(f"<h3>{tr('Bands, in the order of the model')}</h3>{_bands(model, compared)}")
    parts.append(f"<h3>{tr('Accuracy on data held out of training')}</h3>")
    if model.accuracy:
        figures = figures_html(model.accuracy)
        parts.append(figures + overlap_note(figures))
    else:
        parts.append(f"<p>{tr('The card has no figures: judge its map with Evaluate map.')}</p>")
    if model.training:
        parts.append(f"<h3>{tr('Data and recipe')}</h3>{_training(model.training)}")
    return "".join(parts)


def size_text(size: int) -> str:
    """A file size in readable units."""
    return str(QLocale().formattedDataSize(size, 1, QLocale.DataSizeFormat.DataSizeSIFormat))


def _fit(compared: dict[str, Any]) -> str:
    reason = words.reason_words(compared)
    more = compared["reason"] if compared["verdict"] == "unfit" else ""
    text = f"<p><b>{escape(words.verdict_words(compared))}.</b> {escape(reason)}</p>"
    return text + (f"<p>{escape(more)}</p>" if more and more != reason else "")


def _about(entry: ModelEntry) -> list[tuple[str, str]]:
    model = entry.main
    trains = any(not file.can_predict for file in entry.files)
    use = task_text(entry)
    if trains and model.can_predict:
        use = tr("{use}; can be trained further").format(use=use)
    files = ", ".join(
        tr("{name} ({size})").format(name=Path(file.path).name, size=size_text(file.bytes))
        for file in entry.files
    )
    return [
        (tr("For"), use),
        (tr("Name to use in parameters"), model.name),
        (tr("Ground resolution"), localised(tr("{:g} m").format(model.pixel_metres))),
        (tr("Window"), tr("{0} × {0} pixels").format(model.window)),
        (tr("Origin"), _origin(entry)),
        (tr("Files"), files),
        (tr("Folder"), str(Path(model.path).parent)),
        (tr("Licence"), model.licence or tr("Not stated")),
        (tr("Attribution"), model.attribution),
    ]


def _origin(entry: ModelEntry) -> str:
    model = entry.main
    if model.origin not in (OWN, SHARED):
        return tr("Included in the plugin")
    source = model.training.get("source")
    parts = [origin_text(entry)]
    if isinstance(source, Mapping) and source.get("file"):
        parts.append(tr("from {}").format(source["file"]))
    elif model.training.get("rasters"):
        parts.append(tr("on {}").format(", ".join(map(str, model.training["rasters"]))))
    if model.modified:
        day = datetime.date.fromtimestamp(model.modified)
        parts.append(day.isoformat())
    return ", ".join(parts)


def _facts(facts: list[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"
        for name, text in facts
        if text
    )
    return f'<table cellpadding="2" cellspacing="0" style="margin-top:8px">{rows}</table>'


def _classes(model: InstalledModel) -> str:
    rows = "".join(
        f'<tr><td bgcolor="{escape(color)}">&nbsp;&nbsp;&nbsp;&nbsp;</td><td>{escape(title)}</td></tr>'
        for title, color in model.classes
    )
    return f'<table cellpadding="2" cellspacing="2">{rows}</table>'


def _bands(model: InstalledModel, compared: dict[str, Any] | None) -> str:
    serves = {item["model"]: item for item in (compared or {}).get("match", ())}
    rows = []
    for name, wavelength in zip(model.bands, model.wavelengths or [0.0] * len(model.bands)):
        cells = [name, tr("{} nm").format(round(wavelength * 1000)) if wavelength else ""]
        if name in serves:
            number_of = serves[name]["raster"]
            cells.append(
                tr("band {} of the layer").format(number_of) if number_of else tr("left out")
            )
        rows.append("".join(f"<td>{escape(cell)}&nbsp;&nbsp;</td>" for cell in cells))
    return f'<table cellpadding="2" cellspacing="0">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'


def _training(training: Mapping[str, Any]) -> str:
    return _facts(
        [(label(key), _told(value)) for key, value in training.items() if key not in _NOT_SHOWN]
    )


def _told(value: Any) -> str:
    """A value from a card in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{label(str(key))} {_told(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(map(_told, value))
    return in_users_language(value) if isinstance(value, str) else number(value)
