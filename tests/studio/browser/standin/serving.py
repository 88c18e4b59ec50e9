"""The static folder as any web server would serve it, and a Python such as Pyodide's: NumPy and no more.

``python serving.py FOLDER PACKAGES`` writes its port. What it imports of Backlit is the wheel that the worker unpacks.
"""

import contextlib
import http.server
import importlib
import io
import json
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

KINDS = {
    "html": "text/html", "js": "text/javascript", "mjs": "text/javascript", "css": "text/css",
    "json": "application/json", "svg": "image/svg+xml", "wasm": "application/wasm",
}  # fmt: skip
MISSING = (
    "filelock", "jax", "jaxlib", "matplotlib", "narwhals", "PIL", "polars", "rich", "safetensors", "scipy", "sklearn",
    "threadpoolctl", "tomli_w", "typer",
)  # fmt: skip

told = []
sessions = []


def begin(module):
    sys.path[:0] = [SITE]
    sys.path.append(PACKAGES)
    import numpy  # noqa: F401

    for name in MISSING:
        sys.modules[name] = None
    sys.platform = "emscripten"
    sessions[:] = [importlib.import_module(module).Alone(told.append)]


def answered(returned):
    parts = [(data.encode(), True) if isinstance(data, str) else (data, False) for data in told]
    del told[:]
    header = json.dumps({"told": [{"size": len(data), "text": text} for data, text in parts], "returned": returned})
    return struct.pack("<I", len(header)) + header.encode() + b"".join(data for data, _ in parts)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = (FOLDER / self.path.partition("?")[0].lstrip("/")).resolve()
        if path.is_dir():
            path /= "index.html"
        if path.is_file() and FOLDER in path.parents:
            self.reply(200, path.read_bytes(), KINDS.get(path.suffix[1:], "application/octet-stream"))
        else:
            self.reply(404, b"", "text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call, result = self.path.rpartition("/")[2], b""
        if call == "unpack":
            zipfile.ZipFile(io.BytesIO(body)).extractall(SITE)
        elif call == "begin":
            begin(body.decode())
        elif call == "hear":
            result = answered(sessions[0].hear(body.decode() if body[:1] == b"{" else body))
        else:
            result = answered(sessions[0].turn())
        self.reply(200, result, "application/octet-stream")

    def reply(self, status, data, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    FOLDER, PACKAGES = Path(sys.argv[1]).resolve(), sys.argv[2]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with tempfile.TemporaryDirectory() as SITE, contextlib.closing(server):
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()
