"""The verb `doctor`: imports every library of a tier and runs a real operation with each."""

from __future__ import annotations

import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, Callable

from .device_check import check_devices, graphics_cards
from .errors import EnvironmentBroken
from .jobs import DoctorJob
from .progress import Progress


def examine(job: DoctorJob, progress: Progress) -> dict[str, Any]:
    """Checks the tier's libraries; returns versions and devices.

    Returns:
        {"python", "platform", "libraries": {name: version}, "providers": [...], "cuda": bool | None,
        "devices": see `check_devices`, "graphics_cards": [...]}

    Raises:
        EnvironmentBroken: Libraries failed; the message names each, and why.
    """
    checks: dict[str, Callable[[], None]] = {
        "numpy": _check_numpy,
        "rasterio": _check_rasterio,
        "pyproj": _check_pyproj,
        "shapely": _check_shapely,
        "pyogrio": _check_pyogrio,
        "onnxruntime": _check_onnxruntime,
    }
    if job.tier == "training":
        checks.update(torch=_check_torch, safetensors=_check_safetensors, onnx=_check_onnx)
    broken: list[str] = []
    libraries: dict[str, str] = {}
    for done, (library, check) in enumerate(checks.items()):
        progress.update(0.9 * done / len(checks), library)
        try:
            check()
            libraries[library] = metadata.version(library)
        except Exception as error:
            broken.append(f"{library} ({type(error).__name__}: {error})")
    if broken:
        raise EnvironmentBroken(
            f"These libraries of the engine do not work: {'; '.join(broken)}. Repair the engine (in QGIS: "
            "SpectralGPT > Engine > Repair)."
        )
    progress.update(0.9, "processor and GPU")
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "libraries": libraries,
        "providers": _providers(),
        "cuda": _cuda() if job.tier == "training" else None,
        "devices": check_devices(job.tier),
        "graphics_cards": graphics_cards(),
    }


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise ArithmeticError(f"{what} gave a wrong answer")


def _check_numpy() -> None:
    import numpy as np

    product = np.ones((4, 3), "float32") @ np.ones((3, 2), "float32")  # [4, 2]
    _expect(float(product.sum()) == 24.0, "a matrix product")


def _check_rasterio() -> None:
    import numpy as np
    import rasterio
    from rasterio.transform import from_origin

    values = np.arange(12, dtype="uint16").reshape(1, 3, 4)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "check.tif")
        profile = {"driver": "GTiff", "count": 1, "height": 3, "width": 4, "dtype": "uint16"}
        with rasterio.open(
            path, "w", crs="EPSG:32631", transform=from_origin(0, 30, 10, 10), **profile
        ) as raster:
            raster.write(values)
        with rasterio.open(path) as raster:
            _expect(bool((raster.read() == values).all()), "reading a GeoTIFF back")
            _expect(raster.crs.to_epsg() == 32631, "the CRS of a GeoTIFF")


def _check_pyproj() -> None:
    from pyproj import Transformer

    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32631", always_xy=True).transform(3.0, 0.0)
    _expect(abs(x - 500_000) < 0.01 and abs(y) < 0.01, "a projection")


def _check_shapely() -> None:
    import shapely

    _expect(shapely.area(shapely.box(0, 0, 2, 3)) == 6.0, "a polygon's area")


def _check_pyogrio() -> None:
    import pyogrio

    _expect("w" in pyogrio.list_drivers().get("GPKG", ""), "the list of vector drivers")


def _check_onnxruntime() -> None:
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(_TINY_GRAPH, providers=["CPUExecutionProvider"])
    (doubled,) = session.run(None, {"x": np.array([1.5, -2.0], "float32")})
    _expect(doubled.tolist() == [3.0, -4.0], "a graph that adds x to itself")


def _check_torch() -> None:
    import torch

    _expect(float((torch.ones(4, 3) @ torch.ones(3, 2)).sum()) == 24.0, "a matrix product")


def _check_safetensors() -> None:
    import torch
    from safetensors.torch import load, save

    _expect(float(load(save({"x": torch.ones(2)}))["x"].sum()) == 2.0, "saving a tensor")


def _check_onnx() -> None:
    import onnx

    _expect(
        onnx.load_model_from_string(_TINY_GRAPH).graph.node[0].op_type == "Add", "reading a graph"
    )


def _providers() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def _cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())


# The graph y = Add(x, x), float32[2], opset 13, made with onnx.helper; inlined so that the check needs no file.
_TINY_GRAPH = bytes.fromhex(
    "08073a350a0e0a01780a017812017922034164641201675a0f0a0178120a0a08080112040a020802620f0a01"
    "79120a0a08080112040a02080242040a00100d"
)
