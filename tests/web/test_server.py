"""The HTTP server under the application, as a switch meets it: over a socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import falcon
import gevent
import pytest

from bizpbx.web.server import LONGEST_LINE, MOST_HEADERS, Headers, server


class Echo:
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.text = f"{req.get_header('x-one')}|{req.content_type}|{req.bounded_stream.read().decode()}"


@pytest.fixture
def port() -> Iterator[int]:
    app = falcon.App()
    app.add_route("/", Echo())
    listening = server(("127.0.0.1", 0), app, None)
    listening.start()
    yield listening.server_port
    listening.stop()


def asked(port: int, request: bytes) -> bytes:
    """All that comes back until the server closes."""

    def ask() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            answer = b""
            while data := connection.recv(65536):
                answer += data
            return answer

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(ask)
        while not answer.done():
            gevent.sleep(0.005)
        return answer.result()


def test_the_application_gets_headers_and_body_and_its_answer_comes_whole(port: int) -> None:
    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nX-One:  a b \r\nContent-Type: text/x\r\nContent-Length: 4\r\nConnection: close"
    )
    answer = asked(port, head + b"\r\n\r\nbody")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\na b|text/x|body")


def test_one_connection_takes_several_requests(port: int) -> None:
    one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    answer = asked(port, one + b"\r\n1" + one + b"Connection: close\r\n\r\n2")
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert answer.index(b"|1") < answer.index(b"|2")


@pytest.mark.parametrize(
    "header",
    [
        b"No colon",
        b" Folded: x",
        b"Blank : x",
        b": no name",
        b"X: " + b"a" * LONGEST_LINE,
        b"\r\n".join(b"X-%d: 1" % number for number in range(MOST_HEADERS + 1)),
        b"Content-Length: -1",
        b"Content-Length: four",
    ],
)
def test_headers_that_can_be_read_in_two_ways_are_refused(port: int, header: bytes) -> None:
    assert asked(port, b"POST / HTTP/1.1\r\n" + header + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_of_two_headers_with_one_name_the_first_counts() -> None:
    headers = Headers(BytesIO(b"Content-Length: 1\r\ncontent-length: 2\r\n\r\n"))
    assert headers.get("CONTENT-LENGTH") == "1"
    del headers["content-length"]
    assert (headers.get("content-length"), headers.headers) == (None, [])
