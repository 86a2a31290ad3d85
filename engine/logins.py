"""Removes logins from what is stored with outputs, as addresses of rasters may contain passwords and keys."""

from __future__ import annotations

import re
from pathlib import Path

HIDDEN = "***"
_LOGIN = re.compile(r"(?<=://)[^\s/'\"<>]*@")  # user:password@ in an address
# Names of signatures, tokens and keys in the queries of storage services and tile servers.
_KEY = re.compile(
    r"(?i)([?&](?:sig|signature|[\w-]*token|api_?key|key|pass|password|pwd"
    r"|x-(?:amz|goog)-(?:signature|credential)|awsaccesskeyid|subscription-key)=)[^&\s'\"]+"
)
_DATABASE = re.compile(r"(?i)(\bpass(?:word)?=)('[^']*'|[^\s'\"&]+)")  # in GDAL names such as PG:


def without_secrets(text: str) -> str:
    """Replaces logins, passwords and access keys in addresses and database names by ***."""
    text = _LOGIN.sub(f"{HIDDEN}@", text)
    text = _KEY.sub(rf"\g<1>{HIDDEN}", text)
    return _DATABASE.sub(rf"\g<1>{HIDDEN}", text)


def file_name(path: str) -> str:
    """The name of a raster or layer in reports and cards, from its path or GDAL name."""
    return without_secrets(Path(path.partition("|")[0]).name)
