"""Model files on disk: reading the card, sealing, and finding a model by name. Standard library only.

A seal is the SHA-256 of the file's own content, computed with zeros in place of the seal's 64 characters. It reveals
that a file was changed or damaged, but it is not a signature.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .cards import Card
from .endings import ONNX, ending
from .errors import ModelInvalid, ModelTaskMismatch
from .model_folders import SUFFIXES, ask_folders, model_files, model_folders
from .protobuf import LENGTH, fields

CARD_KEY = "spectralgpt:card"
SEAL_KEY = "spectralgpt:sha256"
UNSEALED = "0" * 64

GRAPH, METADATA_PROPS = 7, 14  # field numbers in onnx.ModelProto
_CHUNK = 1 << 20
_LARGEST_METADATA = 64 << 20
# Errors from reading foreign or malicious files; deeply nested lists cause a RecursionError.
_MALFORMED = (ValueError, struct.error, AttributeError, RecursionError)


def installed_models() -> list[Path]:
    """All model files in the folders, sorted by name; of files with the same name only the first folder's."""
    found: dict[str, Path] = {}
    for answer in ask_folders(model_folders(), model_files):
        for path in answer.found:
            found.setdefault(path.name, path)
    return [found[name] for name in sorted(found)]


def find_model(name_or_path: str, task: str | None = None) -> Path:
    """Finds the file of a model by the name of an installed model or by a path.

    Args:
        name_or_path: Such as "landcover", or "/home/me/my_model.onnx".
        task: If given, the model must be for this task.

    Raises:
        ModelInvalid: There is no such model.
        ModelTaskMismatch: It is for another task.
    """
    path = Path(name_or_path)
    if not path.is_file():
        path = _installed(name_or_path, task)
    if task is not None:
        card = read_card(path)
        if card.task != task:
            raise ModelTaskMismatch(
                f"The model '{card.title or card.name}' is for {card.task}, but a model for {task} is needed. Choose "
                "another model, or use the tool that fits this one."
            )
    return path


def _installed(name: str, task: str | None) -> Path:
    """The installed model of a name; of several, the first one for the task."""
    named = [path for path in installed_models() if name in (path.stem, path.name)]
    if task is not None and len(named) > 1:
        named = [path for path in named if read_card(path).task == task]
    if not named:
        names = ", ".join(sorted({path.stem for path in installed_models()})) or "none"
        raise ModelInvalid(
            f"There is no model '{name}'. Specify the path of a model file, or the name of an installed model "
            f"({names})."
        )
    return named[0]


def read_metadata(path: Path) -> dict[str, str]:
    """Reads the text metadata of an .onnx or .safetensors file, without loading its weights.

    Raises:
        ModelInvalid: The file is missing or is not such a file.
    """
    path = Path(path)
    if ending(path) not in SUFFIXES:
        raise ModelInvalid(
            f"'{path}' is not a SpectralGPT model: its name must end in .onnx or .safetensors. Import other formats "
            "with 'Import model' first."
        )
    try:
        with path.open("rb") as file:
            if ending(path) == ONNX:
                return dict(_onnx_metadata(file, path.stat().st_size))
            return _safetensors_metadata(file)
    except (OSError, *_MALFORMED) as error:
        raise ModelInvalid(
            f"'{path}' cannot be read as a model: it is missing, damaged or of another type. Copy the file again, or "
            "choose another model.",
            details=repr(error),
        ) from error


def read_card(path: Path) -> Card:
    """Reads the card in a model file.

    Raises:
        ModelInvalid: The file is not a model, or has no valid card.
    """
    metadata = read_metadata(Path(path))
    if CARD_KEY not in metadata:
        raise ModelInvalid(
            f"'{path}' has no SpectralGPT card, so its bands and classes are not known. Import it with 'Import model' "
            "first."
        )
    try:
        item = json.loads(metadata[CARD_KEY])
    except _MALFORMED as error:
        raise ModelInvalid(
            f"The card in '{path}' is damaged. Copy the file again.", repr(error)
        ) from error
    return Card.from_stac(item)


def seal(path: Path) -> str:
    """Writes the seal into a model file whose metadata holds SEAL_KEY with 64 zeros; returns it.

    Raises:
        ModelInvalid: The file has no place for a seal.
    """
    place, digest = _digest(Path(path))
    with Path(path).open("r+b") as file:
        file.seek(place)
        file.write(digest.encode("ascii"))
    return digest


def verify(path: Path) -> str:
    """Checks that a model file is unchanged since it was made; returns its SHA-256 seal.

    Raises:
        ModelInvalid: The file has no seal or was changed.
    """
    place, digest = _digest(Path(path))
    with Path(path).open("rb") as file:
        file.seek(place)
        written = file.read(64).decode("ascii", "replace")
    if written != digest:
        raise ModelInvalid(
            f"The model file '{path}' was changed or damaged after it was made: its content does not match its "
            "checksum. Copy or download it again.",
            details=f"sealed {written}, found {digest}",
        )
    return digest


def _digest(path: Path) -> tuple[int, str]:
    """Offset of the seal, and the SHA-256 of the file with zeros in its place."""
    stored = read_metadata(path).get(SEAL_KEY, "")
    if not re.fullmatch("[0-9a-f]{64}", stored):
        raise ModelInvalid(
            f"The model file '{path}' has no checksum. Import or train the model again."
        )
    place = _position(path, stored.encode("ascii"))
    digest = hashlib.sha256()
    with path.open("rb") as file:
        start = 0
        while chunk := file.read(_CHUNK):
            low, high = max(place, start), min(place + 64, start + len(chunk))
            if low < high:
                chunk = chunk[: low - start] + b"0" * (high - low) + chunk[high - start :]
            digest.update(chunk)
            start += len(chunk)
    return place, digest.hexdigest()


def _position(path: Path, stored: bytes) -> int:
    """Offset of the seal's 64 characters: their first occurrence shortly after the key."""
    key = SEAL_KEY.encode("ascii")
    with path.open("rb") as file:
        start, tail = 0, b""
        while chunk := file.read(_CHUNK):
            block = tail + chunk
            at = block.find(key)
            while at >= 0:
                value = block.find(stored, at, at + len(key) + 80)
                if value >= 0:
                    return start - len(tail) + value
                at = block.find(key, at + 1)
            start += len(chunk)
            tail = block[-256:]
    raise ModelInvalid(
        f"The model file '{path}' has no space for a checksum. Import or train the model again."
    )


def _safetensors_metadata(file: BinaryIO) -> dict[str, str]:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _LARGEST_METADATA:
        raise ValueError("header too long")
    header = json.loads(file.read(length))
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    return {str(key): str(value) for key, value in metadata.items()}


def _onnx_metadata(file: BinaryIO, size: int) -> Iterator[tuple[str, str]]:
    """Walks through the top level of the ModelProto message and decodes only its metadata_props."""
    seen_graph = False
    for field in fields(file, size):
        seen_graph = seen_graph or field.number == GRAPH
        length = field.end - field.content
        if (field.number, field.wire) == (METADATA_PROPS, LENGTH) and length <= _LARGEST_METADATA:
            file.seek(field.content)
            yield string_entry(file.read(length))
    if not seen_graph:
        raise ValueError("no graph in the file")


def string_entry(message: bytes) -> tuple[str, str]:
    """Key and value of an entry in an ONNX model's metadata_props.

    Raises:
        ValueError: It is not such an entry.
    """
    entry = {1: "", 2: ""}
    for field in fields(io.BytesIO(message), len(message)):
        if field.wire != LENGTH:
            raise ValueError(f"wire type {field.wire} in a metadata entry")
        entry[field.number] = message[field.content : field.end].decode("utf-8")
    return entry[1], entry[2]
