"""A web server of a file, which sends parts of it and may stumble: `python range_server.py FILE MANNERS`.

It is a process of its own: GDAL may wait for it while it holds Python's lock.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def serving(path: Path, **manners: object) -> Iterator[str]:
    """Serves a file as scene.tif; gives its address.

    Args:
        path: The file.
        manners: ranges: false sends no parts; stumbles: numbers of the requests for parts that fail, the first is 0;
            cut_from: from this one on only half of a part is sent; beside: true serves the files of its folder, too;
            log: a file for the requests, one a line, such as "HEAD /scene.tif".
    """
    command = [sys.executable, __file__, str(path), json.dumps(manners)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/scene.tif"
        finally:
            process.terminate()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    file = Path()
    manners: dict = {}
    asked = 0

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        """Tells the size."""
        data = self._data()
        self._head(404 if data is None else 200, len(data or b""))

    def do_GET(self) -> None:
        """Sends the file, or a part of it."""
        data = self._data()
        if data is None:
            self._head(404, 0)
            return
        wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not wanted or not self.manners.get("ranges", True):
            self._head(200, len(data))
            self.wfile.write(data)
            return
        number = _Handler.asked
        _Handler.asked += 1
        if number in self.manners.get("stumbles", ()):
            self._head(503, 0)
            return
        last = min(int(wanted[2] or len(data)), len(data) - 1)
        part = data[int(wanted[1]) : last + 1]
        self._head(206, len(part), f"bytes {wanted[1]}-{last}/{len(data)}")
        if number >= self.manners.get("cut_from", number + 1):
            part = part[: len(part) // 2]
            self.close_connection = True
        self.wfile.write(part)

    def _data(self) -> bytes | None:
        """What lies at the path that is asked for."""
        path = self.path.partition("?")[0]
        if "log" in self.manners:
            with open(self.manners["log"], "a", encoding="utf-8") as log:
                log.write(f"{self.command} {path}\n")
        file = self.file
        if path != "/scene.tif":
            file = file.parent / path.lstrip("/") if self.manners.get("beside") else Path()
        return file.read_bytes() if file.is_file() else None

    def _head(self, status: int, length: int, part: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()


if __name__ == "__main__":
    _Handler.file = Path(sys.argv[1])
    _Handler.manners = json.loads(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
