"""A web server of one file, which sends parts of it and may stumble: `python range_server.py FILE MANNERS`.

It is a process of its own: GDAL may wait for it while it holds Python's lock.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


@contextmanager
def serving(path: Path, **manners: object) -> Iterator[str]:
    """Serves a file, and nothing beside it; gives its address.

    Args:
        path: The file.
        manners: ranges: false sends no parts; stumbles: numbers of the requests for parts that fail, the first is 0;
            cut_from: from this one on only half of a part is sent.
    """
    command = [sys.executable, __file__, str(path), json.dumps(manners)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/scene.tif"
        finally:
            process.terminate()


class _Handler(BaseHTTPRequestHandler):
    data = b""
    manners: dict = {}
    asked = 0

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        """Tells the size."""
        self._head(200 if self.path == "/scene.tif" else 404, len(self.data))

    def do_GET(self) -> None:
        """Sends the file, or a part of it."""
        if self.path != "/scene.tif":
            self._head(404, 0)
            return
        wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not wanted or not self.manners.get("ranges", True):
            self._head(200, len(self.data))
            self.wfile.write(self.data)
            return
        number = _Handler.asked
        _Handler.asked += 1
        if number in self.manners.get("stumbles", ()):
            self._head(503, 0)
            return
        last = min(int(wanted[2] or len(self.data)), len(self.data) - 1)
        part = self.data[int(wanted[1]) : last + 1]
        self._head(206, len(part), f"bytes {wanted[1]}-{last}/{len(self.data)}")
        cut = number >= self.manners.get("cut_from", number + 1)
        self.wfile.write(part[: len(part) // 2] if cut else part)

    def _head(self, status: int, length: int, part: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()


if __name__ == "__main__":
    _Handler.data = Path(sys.argv[1]).read_bytes()
    _Handler.manners = json.loads(sys.argv[2])
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
