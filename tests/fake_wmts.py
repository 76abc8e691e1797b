"""A map service of our own for tests: every tile shows its number and a border; it can also misbehave."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from PIL import Image, ImageDraw


def drawn(z: int, x: int, y: int, path: str = "") -> bytes:
    """A tile with a green edge and its number in the middle."""
    del path
    image = Image.new("RGB", (256, 256), (255, 255, 255) if (x + y) % 2 else (226, 240, 255))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 255, 255), outline=(0, 160, 0))
    pen.text((90, 120), f"{z}/{x}/{y}", fill=(0, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


class Service(ThreadingHTTPServer):
    """Remembers what it was asked; `mood` makes it misbehave, `painter` draws other pictures."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.headers_seen: list[dict[str, str]] = []
        self.mood = "well"
        self.painter = drawn

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        mood = self.server.mood
        if mood == "redirect":
            self.answer(302, b"", "text/plain", location=f"{self.server.address}/secret")
        elif mood == "text":
            self.answer(200, b'{"msg":"key"}', "application/json")
        elif mood == "lie":
            self.answer(200, b"<script>alert(1)</script>", "image/png")
        elif mood == "huge":
            self.answer(200, b"\x89PNG" + bytes(3_000_000), "image/png")
        elif mood == "forbidden":
            self.answer(403, b"", "text/plain")
        elif mood == "nothing":
            self.answer(404, b"", "text/plain")
        else:
            self.answer(200, self.server.painter(*self.place(), self.path), "image/png")

    def place(self) -> tuple[int, int, int]:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if "TILEMATRIX" in asked:
            return int(asked["TILEMATRIX"]), int(asked["TILECOL"]), int(asked["TILEROW"])
        z, x, y = parts.path.strip("/").split("/")[-3:]
        return int(z), int(x), int(y)

    def answer(self, status: int, body: bytes, kind: str, **more: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def served() -> Iterator[Service]:
    service = Service()
    threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
