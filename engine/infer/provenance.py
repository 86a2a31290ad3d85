"""Metadata that travels with an output and says how it was made."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import numpy
import onnxruntime
import rasterio

from ..logins import without_secrets
from ..parameters import Job
from .backend import Backend
from .installed import InstalledModel

PREFIX = "SPECTRALGPT_"


def provenance(
    job: Job, model: InstalledModel, backend: Backend, extra: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Metadata items for a raster, or the description of a layer.

    Args:
        job: The checked job.
        model: The model.
        backend: Where it was computed.
        extra: Further items, such as bands and scaling.
    """
    given = dataclasses.asdict(job)  # type: ignore[call-overload]
    items = {
        "VERB": job.verb,
        "PARAMETERS": without_secrets(json.dumps(given, ensure_ascii=False)),
        "MODEL": model.card.name,
        "MODEL_TITLE": model.card.title,
        "MODEL_VERSION": model.card.version,
        "MODEL_SHA256": model.sha256,
        "MODEL_LICENCE": model.card.licence,
        "MODEL_ATTRIBUTION": model.card.attribution,
        "DEVICE": backend.device,
        "BACKEND": backend.name,
        "VERSIONS": (
            f"Python {platform.python_version()}, numpy {numpy.__version__}, onnxruntime {onnxruntime.__version__}, "
            f"rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}"
        ),
        "DATE": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **{name.upper(): str(value) for name, value in (extra or {}).items()},
    }
    tags = {f"{PREFIX}{name}": value for name, value in items.items() if value}
    return {"TIFFTAG_SOFTWARE": "SpectralGPT for QGIS", **tags}


def described(tags: Mapping[str, str]) -> str:
    """The metadata as one JSON text, for formats with a single description."""
    return json.dumps(dict(tags), ensure_ascii=False)
