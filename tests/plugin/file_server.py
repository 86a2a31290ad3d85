"""A local web server for tests of downloads: ranges, redirects, broken connections, changed files."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves one file; tests change its behaviour.

    Attributes:
        content: Contents of the file.
        path: Path of the file.
        cut: Bytes after which a reply is cut off; one number per reply, None for a complete one.
        ranges: Whether range requests are supported.
        slow: Seconds between two chunks.
        hold: If given, the second half of a reply waits until this event is set.
        requests: (path, Range) of each request.
    """

    def __init__(self, content):
        self.content, self.etag = content, '"v1"'
        self.path, self.hold = "/file", None
        self.cut, self.ranges, self.slow = [], True, 0.0
        self.requests = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, handler):
        asked = handler.headers.get("Range", "")
        self.requests.append((handler.path, asked))
        if handler.path == "/moved":
            handler.send_response(302)
            handler.send_header("Location", self.path)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if handler.path != self.path:
            handler.send_error(404)
            return
        found = re.match(r"bytes=(\d+)-$", asked)
        same = handler.headers.get("If-Range", self.etag) == self.etag
        start = int(found[1]) if found and self.ranges and same else 0
        if start and start >= len(self.content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(self.content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        body = self.content[start:]
        handler.send_response(206 if start else 200)
        if start:
            last = len(self.content) - 1
            handler.send_header("Content-Range", f"bytes {start}-{last}/{len(self.content)}")
        handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        cut = self.cut.pop(0) if self.cut else None
        self._send(handler, body if cut is None else body[:cut])

    def _send(self, handler, body):
        step = 20_000
        for at in range(0, len(body), step):
            if self.hold and at >= len(body) // 2:
                self.hold.wait()
            try:
                handler.wfile.write(body[at : at + step])
            except OSError:
                return
            if self.slow:
                threading.Event().wait(self.slow)
        handler.wfile.flush()
        handler.close_connection = True

    def close(self):
        self._server.shutdown()
        self._server.server_close()
