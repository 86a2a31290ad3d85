"""Removes logins from what is told and stored, as addresses of rasters may contain passwords and keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

HIDDEN = "***"
# user:password@ in an address, which may be the percent-encoded part of another one
_LOGIN = re.compile(r"(?i)(?:(?<=://)[^\s/'\"<>]*@|(?<=%3A%2F%2F)[^\s/'\"<>&]*?%40)")
# Names of signatures, tokens and keys in the queries of storage services, tile servers and GDAL's /vsicurl?.
_KEY = re.compile(
    r"(?i)((?:[?&]|&amp;|%3F|%26)(?:sig|signature|[\w-]*token|api_?key|key|pass|password|pwd|cookie|header\.[\w-]+"
    r"|x-(?:amz|goog)-(?:signature|credential)|awsaccesskeyid|subscription-key)(?:=|%3D))[^&\s'\"<]+?"
    r"(?=%26|[.,:;)]*(?:[&\s'\"<]|$))"  # not the end of a sentence
)
# In GDAL names such as PG:, not in the name of a folder.
_DATABASE = re.compile(r"(?i)(?<![/\\])(\bpass(?:word)?=)('[^']*'|[^\s'\"&]+)")


def without_secrets(text: str) -> str:
    """Replaces logins, passwords and access keys in addresses and database names by ***."""
    text = _LOGIN.sub(f"{HIDDEN}@", text)
    text = _KEY.sub(rf"\g<1>{HIDDEN}", text)
    return _DATABASE.sub(rf"\g<1>{HIDDEN}", text)


def masked(value: Any) -> Any:
    """A JSON value, or an event of the protocol, with all its texts masked; paths of this machine stay as they are."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {masked(key): masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item) for item in value]
    return value


def file_name(path: str) -> str:
    """The name of a raster or layer in reports and cards, from its path or GDAL name."""
    return without_secrets(Path(path.partition("|")[0]).name)
