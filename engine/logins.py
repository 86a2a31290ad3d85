"""Keeps logins out of what travels with an output: addresses of rasters may carry passwords and keys."""

from __future__ import annotations

import re
from pathlib import Path

HIDDEN = "***"
_LOGIN = re.compile(r"(?<=://)[^\s/'\"<>]*@")  # user:password@ of an address
# What storage services and tile servers call the part of a query that opens the door.
_KEY = re.compile(
    r"(?i)([?&](?:sig|signature|[\w-]*token|api_?key|key|pass|password|pwd"
    r"|x-(?:amz|goog)-(?:signature|credential)|awsaccesskeyid|subscription-key)=)[^&\s'\"]+"
)
_DATABASE = re.compile(r"(?i)(\bpass(?:word)?=)('[^']*'|[^\s'\"&]+)")  # of a GDAL name such as PG:


def without_secrets(text: str) -> str:
    """A text with *** for logins, passwords and access keys in addresses and names of databases."""
    text = _LOGIN.sub(f"{HIDDEN}@", text)
    text = _KEY.sub(rf"\g<1>{HIDDEN}", text)
    return _DATABASE.sub(rf"\g<1>{HIDDEN}", text)


def file_name(path: str) -> str:
    """What a raster or a layer is called in reports and cards, by its path or GDAL name."""
    return without_secrets(Path(path.partition("|")[0]).name)
