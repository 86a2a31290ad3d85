"""The wire format of protocol buffers: numbers and fields that can be worked out by hand."""

import io

import pytest

from engine.protobuf import fields, length_prefix, read_varint, text_field, varint


@pytest.mark.parametrize(
    "number, encoded", [(0, [0]), (127, [127]), (128, [128, 1]), (300, [172, 2])]
)
def test_varint(number, encoded):
    assert list(varint(number)) == encoded
    assert read_varint(io.BytesIO(bytes(encoded))) == number


def test_fields_tell_where_they_stand():
    """Field 1, a number (2 bytes); field 14, "ab" (tag, length, two letters); field 2, four bytes."""
    message = bytes([1 << 3, 8]) + text_field(14, "ab") + bytes([2 << 3 | 5, 1, 2, 3, 4])
    found = [(f.number, f.start, f.content, f.end) for f in fields(io.BytesIO(message), 11)]
    assert found == [(1, 0, 1, 2), (14, 2, 4, 6), (2, 6, 7, 11)]


def test_a_field_may_be_read_between_two_steps():
    message = text_field(1, "first") + text_field(2, "second")
    file, texts = io.BytesIO(message), []
    for field in fields(file, len(message)):
        file.seek(field.content)
        texts.append(file.read(field.end - field.content))
    assert texts == [b"first", b"second"]


@pytest.mark.parametrize(
    "message", [b"\x72\x05ab", b"\x77", b"\x80", length_prefix(1, 9), b"\xff" * 11]
)
def test_what_is_cut_off_or_no_message_is_refused(message):
    with pytest.raises(ValueError):
        list(fields(io.BytesIO(message), len(message)))
