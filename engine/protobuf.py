"""The wire format of Protocol Buffers, as far as needed for the top level of ONNX files. Standard library only.

A message is a sequence of (tag, value) with tag = field number << 3 | wire type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Field:
    """Position of a field in a message: offsets of its tag (`start`), content and end."""

    number: int
    wire: int
    start: int
    content: int
    end: int


def fields(file: BinaryIO, size: int) -> Iterator[Field]:
    """Yields the fields of a message that fills a file up to `size`; the caller may seek in between.

    Raises:
        ValueError: It is not a message, or is truncated.
    """
    end = 0
    while end < size:
        file.seek(end)
        start = end
        tag = read_varint(file)
        wire, content = tag & 7, file.tell()
        if wire == VARINT:
            read_varint(file)
            end = file.tell()
        elif wire == LENGTH:
            length = read_varint(file)
            content = file.tell()
            end = content + length
        elif wire in (FIXED64, FIXED32):
            end = content + (8 if wire == FIXED64 else 4)
        else:
            raise ValueError(f"wire type {wire}")
        if end > size:
            raise ValueError("a field runs past the end of the file")
        yield Field(tag >> 3, wire, start, content, end)


def read_varint(file: BinaryIO) -> int:
    """Reads a number in groups of seven bits, lowest first; a set high bit means that more follow.

    Raises:
        ValueError: The file ends, or the number has more than 64 bits.
    """
    value = shift = 0
    while True:
        byte = file.read(1)
        if not byte or shift > 63:
            raise ValueError("damaged number")
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return value
        shift += 7


def varint(number: int) -> bytes:
    """Encodes a number in the form that `read_varint` reads."""
    coded = bytearray()
    while number > 0x7F:
        coded.append(number & 0x7F | 0x80)
        number >>= 7
    coded.append(number)
    return bytes(coded)


def length_prefix(number: int, length: int) -> bytes:
    """Tag and length of a length-delimited field of `length` bytes."""
    return varint(number << 3 | LENGTH) + varint(length)


def text_field(number: int, text: str) -> bytes:
    """Encodes a field with a text."""
    content = text.encode("utf-8")
    return length_prefix(number, len(content)) + content
