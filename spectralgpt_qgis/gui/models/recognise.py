"""Whether a file that is dropped is a model for this plugin: told from its first and last bytes, nothing is loaded."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

CARD_KEY = b"spectralgpt:card"
ENDINGS = (".onnx", ".safetensors", ".pth")
_LOOK = 4 << 20  # bytes at either end of an ONNX file: the card stands before or after the graph
_LARGEST_HEADER = 64 << 20
# Tensors that every published SpectralGPT checkpoint has, whatever it was fine-tuned for.
_TENSORS = (b"patch_embed.proj.weight", b"blocks.0.attn.q.weight", b"pos_embed_spatial")


def is_our_model(path: Path) -> bool:
    """Whether a file is a model with a card of ours, or a SpectralGPT checkpoint; False for what cannot be read.

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
    """PyTorch's archive names its tensors in data.pkl, which is only searched, never unpickled."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:  # the older format has the same names near its beginning
            names = file.read(_LOOK)
        return all(name in names for name in _TENSORS)
    with zipfile.ZipFile(path) as archive:
        for index in archive.infolist():
            if index.filename.endswith("data.pkl") and index.file_size <= _LARGEST_HEADER:
                names = archive.read(index)
                return all(name in names for name in _TENSORS)
    return False
