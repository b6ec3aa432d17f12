"""An HTTP server that answers as S3 and Polly do (moto), with faults that a test asks for."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

Answer = Callable[[Request, Response], Response]


@dataclass
class Aws:
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, path with query)."""
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answer: Answer | None = None
    """What is made of an answer of moto's on its way back."""
    refuse: int = 0
    """So many requests more are answered with 503."""

    def __post_init__(self) -> None:
        self._moto = moto()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        self.requests.append((request.method, request.full_path.rstrip("?")))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if request.method == "POST":
            self.bodies.append(request.get_data())
            environ["wsgi.input"] = io.BytesIO(self.bodies[-1])
        if self.refuse > 0:
            self.refuse -= 1
            request.get_data()
            return Response("busy", 503)(environ, start_response)
        if self.answer is None:
            answered: Iterable[bytes] = self._moto(environ, start_response)
            return answered
        response = Response.from_app(self._moto, environ)
        return self.answer(request, response)(environ, start_response)


@cache
def moto() -> Any:
    """Making its applications takes longer than most of what is asked of them."""
    return DomainDispatcherApplication(create_backend_app)


@contextmanager
def served() -> Iterator[Aws]:
    aws = Aws()
    server = make_server("127.0.0.1", 0, aws, threaded=True)
    aws.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield aws
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
