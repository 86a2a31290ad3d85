"""Recognises whether a dropped file is a model for this plugin by its first and last bytes, without loading it."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

CARD_KEY = b"spectralgpt:card"
ENDINGS = (".onnx", ".safetensors", ".pth")
_LOOK = 4 << 20  # bytes to read at each end of an ONNX file: the card is before or after the graph
_LARGEST_HEADER = 64 << 20
# Tensors that all published SpectralGPT checkpoints have, pretrained or fine-tuned.
_TENSORS = (b"patch_embed.proj.weight", b"blocks.0.attn.q.weight", b"pos_embed_spatial")


def is_our_model(path: Path) -> bool:
    """Whether a file is a model with a card of this plugin, or a SpectralGPT checkpoint; False if it cannot be read.

    Args:
        path: Any file.
    """
    look = {".onnx": _onnx, ".safetensors": _safetensors, ".pth": _checkpoint}.get(
        path.suffix.lower()
    )
    if look is None:
        return False
    try:
        return look(path)
    except (OSError, ValueError, struct.error, zipfile.BadZipFile, RuntimeError):
        return False


def _onnx(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        if CARD_KEY in file.read(_LOOK):
            return True
        file.seek(max(0, size - _LOOK))
        return CARD_KEY in file.read(_LOOK)


def _safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LARGEST_HEADER:
            return False
        header = json.loads(file.read(length))
    return isinstance(header, dict) and CARD_KEY.decode() in header.get("__metadata__", {})


def _checkpoint(path: Path) -> bool:
    """Whether a PyTorch archive has the tensors; searches for their names in data.pkl, but never unpickles it."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:  # PyTorch's older format has the names near its beginning
            names = file.read(_LOOK)
        return all(name in names for name in _TENSORS)
    with zipfile.ZipFile(path) as archive:
        for index in archive.infolist():
            if index.filename.endswith("data.pkl") and index.file_size <= _LARGEST_HEADER:
                names = archive.read(index)
                return all(name in names for name in _TENSORS)
    return False
