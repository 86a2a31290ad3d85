"""Replaces the card in a model file and copies the weights unchanged. Standard library only."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import BinaryIO

from .cards import Card
from .endings import ONNX, ending
from .errors import ModelInvalid
from .model_file import CARD_KEY, METADATA_PROPS, SEAL_KEY, UNSEALED, seal, string_entry
from .progress import Progress
from .protobuf import LENGTH, fields, length_prefix, text_field

_CHUNK = 1 << 22


def write_with_card(source: Path, target: Path, card: Card, progress: Progress) -> str:
    """Writes a copy of a model file with another card; everything else is copied unchanged.

    Args:
        source: A model of ours.
        target: File to write, with the same ending.
        card: The new card.
        progress: Takes the progress.

    Returns:
        The seal of the new file.

    Raises:
        ModelInvalid: The source is not a model of ours.
        OSError: A file cannot be read or written.
    """
    entries = {CARD_KEY: json.dumps(card.to_stac()), SEAL_KEY: UNSEALED}
    size = max(1, source.stat().st_size)
    with source.open("rb") as old, target.open("wb") as new:
        try:
            if ending(source) == ONNX:
                _onnx(old, new, size, entries, progress)
            else:
                _safetensors(old, new, size, entries, progress)
        except (ValueError, KeyError, struct.error) as error:
            raise ModelInvalid(
                f"'{source}' is not a SpectralGPT model, or it is damaged. Copy the file again.",
                details=repr(error),
            ) from error
    shutil.copymode(source, target)
    return seal(target)


def copy_file(source: Path, target: Path, progress: Progress) -> None:
    """Copies a file; may be cancelled.

    Raises:
        OSError: A file cannot be read or written.
    """
    size = max(1, source.stat().st_size)
    with source.open("rb") as old, target.open("wb") as new:
        _copy(old, new, size, size, progress)


def _onnx(
    old: BinaryIO, new: BinaryIO, size: int, entries: dict[str, str], progress: Progress
) -> None:
    for field in fields(old, size):
        if (field.number, field.wire) == (METADATA_PROPS, LENGTH):
            old.seek(field.content)
            if string_entry(old.read(field.end - field.content))[0] in entries:
                continue
        old.seek(field.start)
        _copy(old, new, field.end - field.start, size, progress)
    for key, value in entries.items():
        entry = text_field(1, key) + text_field(2, value)
        new.write(length_prefix(METADATA_PROPS, len(entry)) + entry)


def _safetensors(
    old: BinaryIO, new: BinaryIO, size: int, entries: dict[str, str], progress: Progress
) -> None:
    (length,) = struct.unpack("<Q", old.read(8))
    header = json.loads(old.read(length))
    header["__metadata__"] = {**header["__metadata__"], **entries}
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)  # keeps the tensors aligned
    new.write(struct.pack("<Q", len(text)) + text)
    _copy(old, new, size - 8 - length, size, progress)


def _copy(old: BinaryIO, new: BinaryIO, count: int, size: int, progress: Progress) -> None:
    while count > 0:
        chunk = old.read(min(_CHUNK, count))
        if not chunk:
            raise ValueError("the file ends early")
        new.write(chunk)
        count -= len(chunk)
        progress.update(old.tell() / size)
