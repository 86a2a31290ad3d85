"""Downloads a large file in a task, with QGIS's network settings; resumes interrupted downloads and verifies the file.

An incomplete file is kept beside the target as NAME.part, with a note of where it comes from in NAME.part.json. It
gets its final name when it is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtCore import QEventLoop, QTimer, QUrl, pyqtSignal
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from ..i18n import tr
from .base import BaseTask, TaskCancelled

_BUFFER = 4 << 20  # bytes that Qt may buffer in memory
_POLL = 100  # ms between two checks for a cancel
_ATTEMPTS = 4  # attempts in a row that may bring no data
_PAUSE = 500  # ms before the second attempt; longer before each further one
_CHUNK = 1 << 22


class DownloadFailed(Exception):
    """The file could not be downloaded, or is not the expected one."""

    def __init__(self, message: str, details: str = "") -> None:
        """Keeps the message for the user and the technical details."""
        super().__init__(message)
        self.message, self.details = message, details


class _Broken(Exception):
    """The connection ended early; another attempt may resume."""


@dataclass
class _Answer:
    """The reply to one request: bytes that were there before, and the size of the file if known."""

    start: int = 0
    whole: int | None = None


class DownloadTask(BaseTask):
    """Downloads one file; the result is its path."""

    advanced = pyqtSignal(float, float)  # bytes received, bytes in total (0: not known)

    def __init__(
        self, description: str, url: str, target: Path, sha256: str = "", size: int | None = None
    ) -> None:
        """Make the task.

        Args:
            description: Shown in the task manager.
            url: Address of the file, http or https.
            target: Path of the file; its folder is made if necessary.
            sha256: Expected SHA-256 of the file; empty if not known.
            size: Expected size of the file in bytes; None if not known.
        """
        super().__init__(description)
        self._url, self._target = url, target
        self._sha256, self._size = sha256.lower(), size
        self._part = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")

    def _run(self) -> Path:
        if QUrl(self._url).scheme() not in ("http", "https"):
            raise DownloadFailed(
                tr(
                    "'{}' is not an address for downloads: it must begin with https:// or http://."
                ).format(self._url)
            )
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._fetch_whole()
            self._check()
            os.replace(self._part, self._target)
        except OSError as error:
            raise DownloadFailed(
                tr(
                    "'{path}' cannot be written: {reason}. Free some space, or choose another folder."
                ).format(path=self._target, reason=error.strerror or error),
                repr(error),
            ) from error
        self._forget_note()
        return self._target

    # -- fetching --------------------------------------------------------------------------------

    def _fetch_whole(self) -> None:
        failures = 0
        while True:
            before = self._there()
            try:
                self._fetch()
                return
            except _Broken as broken:
                failures = 1 if self._there() > before else failures + 1
                if failures >= _ATTEMPTS and not self._there():
                    raise DownloadFailed(
                        tr(
                            "The download could not start: {} Check the address, the network, and the proxy in "
                            "Settings > Options > Network."
                        ).format(broken)
                    ) from broken
                if failures >= _ATTEMPTS:
                    raise DownloadFailed(
                        tr(
                            "The download was interrupted: {} The downloaded part is kept; download again to "
                            "continue."
                        ).format(broken)
                    ) from broken
                self._wait(_PAUSE * failures)

    def _fetch(self) -> None:
        """Sends one request, for what is still missing."""
        note = self._read_note()
        there = self._there() if note.get("url") == self._url and note.get("validator") else 0
        request = QNetworkRequest(QUrl(self._url))
        request.setRawHeader(b"Accept-Encoding", b"identity")  # ranges refer to uncompressed bytes
        if there:
            request.setRawHeader(b"Range", b"bytes=%d-" % there)
            request.setRawHeader(b"If-Range", note["validator"].encode("latin-1"))
        policy = QNetworkRequest.RedirectPolicy.NoLessSafeRedirectPolicy
        request.setAttribute(QNetworkRequest.Attribute.RedirectPolicyAttribute, policy)
        reply = QgsNetworkAccessManager.instance().get(request)
        reply.setReadBufferSize(_BUFFER)
        try:
            self._receive(reply, there)
        finally:
            reply.abort()
            reply.deleteLater()

    def _receive(self, reply: Any, there: int) -> None:
        loop, answer = QEventLoop(), _Answer()
        timer = QTimer()
        file: BinaryIO | None = None
        problem: list[Exception] = []

        def take() -> None:
            nonlocal file
            try:
                if self._status(reply) in (200, 206):
                    if file is None:
                        file = self._open(reply, there, answer)
                    file.write(bytes(reply.readAll()))
                    self._tell(file.tell(), answer.whole)
            except Exception as error:  # must not leave a Qt slot
                problem.append(error)
                loop.quit()

        def look() -> None:
            if self.isCanceled():
                problem.append(TaskCancelled())
                loop.quit()

        reply.readyRead.connect(take)
        reply.finished.connect(loop.quit)
        timer.timeout.connect(look)
        timer.start(_POLL)
        try:
            if not reply.isFinished():
                loop.exec()
            if not problem:
                take()
        finally:
            timer.stop()
            if file is not None:
                file.close()
        if problem:
            raise problem[0]
        self._judge(reply, there, answer)

    def _open(self, reply: Any, there: int, answer: _Answer) -> BinaryIO:
        """Opens the incomplete file, for appending if the reply continues it, else from the start."""
        resumed = re.match(rb"bytes (\d+)-\d+/(\d+|\*)", bytes(reply.rawHeader(b"Content-Range")))
        if self._status(reply) == 206 and resumed and int(resumed[1]) == there:
            answer.start = there
            answer.whole = None if resumed[2] == b"*" else int(resumed[2])
            return self._part.open("ab")
        length = bytes(reply.rawHeader(b"Content-Length"))
        answer.whole = int(length) if length.isdigit() else None
        validator = bytes(reply.rawHeader(b"ETag")) or bytes(reply.rawHeader(b"Last-Modified"))
        if validator.startswith(b"W/"):
            validator = b""  # a weak ETag does not guarantee identical bytes
        note = {"url": self._url, "validator": validator.decode("latin-1")}
        self._note.write_text(json.dumps(note), encoding="utf-8")
        return self._part.open("wb")

    def _judge(self, reply: Any, there: int, answer: _Answer) -> None:
        """Raises unless the reply completed the file."""
        status, came = self._status(reply), self._there()
        if status == 416 and there:  # the incomplete file is as long as the whole one, or longer
            whole = re.match(rb"bytes \*/(\d+)", bytes(reply.rawHeader(b"Content-Range")))
            if whole and int(whole[1]) == there:
                return
            self._forget_part()
            raise _Broken(tr("the file has changed on the server."))
        if status is not None and status >= 400:
            raise DownloadFailed(self._refused(status), self._url)
        if answer.whole is not None and came < answer.whole:
            raise _Broken(
                tr("{came} of {whole} bytes were received.").format(came=came, whole=answer.whole)
            )
        if reply.error() != QNetworkReply.NetworkError.NoError:
            raise _Broken(reply.errorString() + ".")
        if status is None or (answer.whole is None and not came):
            raise _Broken(tr("the server sent no data."))

    def _refused(self, status: int) -> str:
        if status == 404:
            return tr("There is no file at {} (404). Check the address.").format(self._url)
        if status in (401, 403):
            return tr(
                "The server does not allow public access to {url} ({status}). Download it with your browser and "
                "import the file."
            ).format(url=self._url, status=status)
        if status == 407:
            return tr(
                "The proxy requires a user name and a password (407). Set them in QGIS: Settings > Options > "
                "Network."
            )
        return tr("The server returned the status {status} for {url}. Try again later.").format(
            url=self._url, status=status
        )

    # -- what came -------------------------------------------------------------------------------

    def _check(self) -> None:
        came = self._there()
        if self._size is not None and came != self._size:
            self._forget_part()
            raise DownloadFailed(
                tr(
                    "The downloaded file has {came} bytes instead of {size}. It was deleted; try again later."
                ).format(came=came, size=self._size)
            )
        if not self._sha256:
            return
        digest = hashlib.sha256()
        with self._part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if self.isCanceled():
                    raise TaskCancelled
                digest.update(chunk)
        if digest.hexdigest() != self._sha256:
            self._forget_part()
            raise DownloadFailed(
                tr(
                    "The downloaded file is not the published one: its SHA-256 is {found} instead of {expected}. It "
                    "was deleted; do not use copies of it from other sources."
                ).format(found=digest.hexdigest(), expected=self._sha256)
            )

    def _there(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0

    def _read_note(self) -> dict[str, str]:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _forget_note(self) -> None:
        with contextlib.suppress(OSError):
            self._note.unlink()

    def _forget_part(self) -> None:
        with contextlib.suppress(OSError):
            self._part.unlink()
        self._forget_note()

    def _tell(self, there: int, whole: int | None) -> None:
        if whole:
            self.setProgress(min(100.0, 100 * there / whole))
        self.advanced.emit(float(there), float(whole or 0))

    def _wait(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()
        if self.isCanceled():
            raise TaskCancelled

    @staticmethod
    def _status(reply: Any) -> int | None:
        status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        return None if status is None else int(status)
