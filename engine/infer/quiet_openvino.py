"""OpenVINO, kept from telling anybody what it does: import it from here, never by itself.

Reading a model would tell Google Analytics about it. Without this package OpenVINO keeps silent: that nothing leaves
the user's machine is a promise.
"""

from __future__ import annotations

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402
from openvino import opset13  # noqa: E402

__all__ = ["openvino", "opset13"]
