"""Weights published by others that can be downloaded; read from a data file, with sizes and checksums where known."""

from __future__ import annotations

import json
from dataclasses import dataclass

from . import paths
from .i18n import translated


@dataclass(frozen=True)
class PublishedWeights:
    """A file that can be downloaded.

    Attributes:
        file: File name to save it under.
        page: Web page on which its authors describe it.
        bytes: Its size; None if not known.
        sha256: Its checksum; empty if not known.
    """

    title: str
    file: str
    url: str
    about: str
    licence: str
    page: str
    bytes: int | None
    sha256: str


def published_weights() -> list[PublishedWeights]:
    """All published weights, in the order of the data file."""
    listed = json.loads(paths.PUBLISHED_WEIGHTS.read_text(encoding="utf-8"))["weights"]
    for item in listed:
        words = {name: translated(item[name]) for name in ("about", "licence")}
        item.update(words, sha256=item["sha256"] or "")
    return [PublishedWeights(**item) for item in listed]
