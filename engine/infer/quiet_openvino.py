"""OpenVINO without telemetry: import it from here, never directly.

OpenVINO reports to Google Analytics when it reads a model, unless its telemetry package cannot be imported. That
nothing leaves the user's machine is a promise.
"""

from __future__ import annotations

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402
from openvino import opset13  # noqa: E402

__all__ = ["openvino", "opset13"]
