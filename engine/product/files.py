"""The files of a product, in a folder or in an archive that is not unpacked."""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import PurePosixPath
from typing import Union

from ..errors import ProductUnreadable

ARCHIVES = (".zip", ".tar")
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".gz", ".7z", ".rar")
_READER = re.compile(r"^/vsi(?:zip|tar)/")
_SUBDATASET = re.compile(r'^SENTINEL2_L\w+:"?(?P<path>.+?)"?(?::\w+){1,2}$')  # as GDAL names them
METADATA = re.compile(r"(?:^|/)MTD_MSIL(?:1C|2A)\.xml$")  # of Sentinel-2 since 2016
_DEPTH = 6  # folders of a Sentinel-2 product above its band files
_ARCHIVE_ERRORS = (OSError, EOFError, zipfile.BadZipFile, zlib.error, tarfile.TarError)
_LARGEST = 64 << 20  # bytes of a metadata file


class Folder:
    """A folder on disk.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: str, below: bool = True) -> None:
        """Reads nothing yet.

        Args:
            path: The folder.
            below: Whether its direct subfolders are listed too.
        """
        self.path = os.path.abspath(path)
        self._below = below

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The listed files, with slashes; deeper ones are found by `has` alone."""
        found: list[str] = []
        with suppress(OSError), os.scandir(self.path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_file():
                    found.append(entry.name)
                elif self._below and entry.is_dir():
                    found += _listed(entry)
        return tuple(found)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return os.path.isfile(self.place(name))

    def read(self, name: str) -> bytes:
        """The content of a metadata file.

        Raises:
            ProductUnreadable: It cannot be read.
        """
        try:
            with open(self.place(name), "rb") as file:
                return file.read(_LARGEST)
        except OSError as error:
            raise unreadable(name, error) from error

    def place(self, name: str) -> str:
        """The path by which GDAL opens a file."""
        return os.path.join(self.path, *name.split("/"))

    @property
    def packed(self) -> bool:
        """Whether reading pixels means unpacking them each time."""
        return False


class Archive:
    """A .zip or an uncompressed .tar, read in place.

    Attributes:
        path: The archive.
    """

    def __init__(self, path: str) -> None:
        """Lists the content.

        Raises:
            ProductUnreadable: The archive is damaged.
        """
        self.path = os.path.abspath(path)
        self._zip = path.lower().endswith(".zip")
        self.packed = False
        try:
            self._inside = dict(self._members())
        except _ARCHIVE_ERRORS as error:
            raise ProductUnreadable(
                f"The archive {path} cannot be read: it is damaged, incompletely downloaded, or its type does not "
                "match its name. Download it again.",
                details=repr(error),
            ) from error
        self.names = tuple(self._inside)

    def _members(self) -> Iterator[tuple[str, str]]:
        """Each file's name, and its name as the archive spells it."""
        if self._zip:
            with zipfile.ZipFile(self.path) as archive:
                for item in archive.infolist():
                    if not item.is_dir():
                        yield _plain(item.filename), item.filename
                    if item.compress_type and item.filename.lower().endswith((".jp2", ".tif")):
                        self.packed = True
        else:
            with tarfile.open(self.path, "r:") as archive:
                for member in archive:
                    if member.isfile():
                        yield _plain(member.name), member.name

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self._inside

    def read(self, name: str) -> bytes:
        """The content of a metadata file.

        Raises:
            ProductUnreadable: It cannot be read.
        """
        inside = self._inside[name]
        try:
            if self._zip:
                with zipfile.ZipFile(self.path) as archive, archive.open(inside) as file:
                    return file.read(_LARGEST)
            with tarfile.open(self.path, "r:") as tar:
                member = tar.extractfile(inside)
                return member.read(_LARGEST) if member else b""
        except (*_ARCHIVE_ERRORS, RuntimeError) as error:  # encrypted, or compressed in another way
            raise unreadable(name, error) from error

    def place(self, name: str) -> str:
        """The path by which GDAL opens a file."""
        path = self.path.replace("\\", "/")
        return f"/vsi{'zip' if self._zip else 'tar'}/{path}/{name}"


Files = Union[Folder, Archive]


def unreadable(name: str, error: Exception) -> ProductUnreadable:
    """The error about a metadata file that cannot be read."""
    return ProductUnreadable(
        f"The metadata file '{name}' of the product cannot be read: it is damaged or incompletely downloaded. Download "
        "the product again.",
        details=repr(error),
    )


def locate(given: str) -> tuple[Files, str]:
    """The files around what a user gives, and the name of the given one among them; empty for all.

    Args:
        given: A folder, an archive, a file in either, or GDAL's name of one.

    Raises:
        ProductUnreadable: There is no such file, or the archive cannot be read in place.
    """
    subdataset = _SUBDATASET.match(given)
    path = subdataset["path"] if subdataset else given
    if _READER.match(path):
        return _in_archive(_READER.sub("", path), given)
    if os.path.isdir(path):
        return Folder(path), ""
    if not os.path.isfile(path):
        raise ProductUnreadable(
            f"There is no file or folder '{given}'. Choose the folder of a satellite product, its .zip or .tar, or "
            "any of its files."
        )
    lower = path.lower()
    if lower.endswith(ARCHIVES):
        return Archive(path), ""
    if lower.endswith(_COMPRESSED):
        raise ProductUnreadable(
            f"'{given}' is a compressed archive whose files cannot be read one by one. Unpack it, and choose the "
            "folder. A .zip or a .tar does not have to be unpacked."
        )
    return _around(os.path.abspath(path))


def _around(path: str) -> tuple[Folder, str]:
    """The nearest folder above a file that has Sentinel-2's metadata, else the file's own folder."""
    own = folder = os.path.dirname(path)
    for _ in range(_DEPTH):
        with suppress(OSError):
            if any(map(METADATA.search, os.listdir(folder))):
                return Folder(folder, below=False), os.path.relpath(path, folder).replace("\\", "/")
        folder = os.path.dirname(folder)
    return Folder(own, below=False), os.path.basename(path)


def _in_archive(path: str, given: str) -> tuple[Archive, str]:
    """Splits "/a/b.zip/c/d.jp2" at the archive."""
    parts = path.replace("\\", "/").split("/")
    for count in range(1, len(parts) + 1):
        archive = "/".join(parts[:count])
        if archive.lower().endswith(ARCHIVES) and os.path.isfile(archive):
            return Archive(archive), "/".join(parts[count:])
    raise ProductUnreadable(
        f"There is no archive on this computer in '{given}'. Choose a .zip or .tar on a local or network drive."
    )


def _listed(folder: os.DirEntry[str]) -> list[str]:
    """The files in a subfolder; none if it may not be read."""
    with suppress(OSError), os.scandir(folder.path) as entries:
        return sorted(f"{folder.name}/{entry.name}" for entry in entries if entry.is_file())
    return []


def _plain(name: str) -> str:
    """A member's name in the form that GDAL takes: with slashes, and without "./" before it."""
    return str(PurePosixPath(name.replace("\\", "/")))
