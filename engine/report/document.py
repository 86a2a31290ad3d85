"""Renders a report as one HTML file: everything inline, without scripts, for light, dark and print."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..infer.staging import write_error
from ..language import html_code, tr
from ..logins import without_secrets
from . import charts
from .blocks import (
    Bar,
    Bars,
    Block,
    Code,
    Curves,
    Facts,
    Matrix,
    Picture,
    Section,
    Table,
    Text,
    Warnings,
)

__all__ = [
    "Bar",
    "Bars",
    "Block",
    "Code",
    "Curves",
    "Facts",
    "Matrix",
    "Picture",
    "Section",
    "Table",
    "Text",
    "Warnings",
    "render",
    "write",
]

TEMPLATE = "document.html.jinja"


def render(title: str, subtitle: str, sections: Sequence[Section], version: str = "") -> str:
    """Renders a report.

    Args:
        title: Title of the report.
        subtitle: Line under the title, may be empty.
        sections: Sections in reading order; those without blocks are left out.
        version: Version of SpectralGPT, for the last line.

    Returns:
        Self-contained HTML in the current language. All texts are escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        kind=_kind,
        base64=_base64,
        curve_plot=charts.curve_plot,
        bar_plot=charts.bar_plot,
        matrix_plot=charts.matrix_plot,
    )
    page = environment.get_template(TEMPLATE).render(
        title=title,
        subtitle=subtitle,
        sections=[section for section in sections if section.blocks],
        words=_words(version),
        language=html_code(),
        chart=charts,
    )
    return page.strip() + "\n"


def write(
    path: Path, title: str, subtitle: str, sections: Sequence[Section], version: str = ""
) -> None:
    """Writes a report to a file, without logins; for the other arguments see `render`.

    Raises:
        OutputNotWritable: The file cannot be written.
        DiskFull: The disk is full.
    """
    text = without_secrets(render(title, subtitle, sections, version))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise write_error(path, error) from error


def _words(version: str) -> dict[str, str]:
    """Fixed texts of the template, translated."""
    return {
        "corner": tr("true ↓ mapped →"),
        "sum": tr("sum"),
        "nothing": tr("No values."),
        "made_by": tr("Made by SpectralGPT for QGIS {version}").format(version=version).strip(),
    }


def _kind(block: Block) -> str:
    return type(block).__name__


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
