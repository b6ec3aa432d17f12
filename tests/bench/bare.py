"""The least that a controller can be: it takes the call, has it bridged, and knows nothing.

What it costs is what a sync outbound socket of FreeSWITCH costs, with a Python behind it that decides nothing. No code
is shared with our controller. It ends when its input does.
"""

from __future__ import annotations

import sys
from subprocess import PIPE, Popen

import gevent
from gevent.fileobject import FileObject
from gevent.server import StreamServer
from gevent.socket import socket

from bizpbx.testbed.ports import Ports


def start(dial_string: str) -> tuple[Popen[bytes], int]:
    """The process, and the port that it listens on."""
    # Reserved for as long as we live.
    port = Ports().one()
    process = Popen([sys.executable, "-m", "tests.bench.bare", str(port), dial_string], stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"listening\n"
    return process, port


def serve(port: int, dial_string: str) -> None:
    arguments = dial_string.encode()
    bridge = (
        b"sendmsg\ncall-command: execute\nexecute-app-name: bridge\n"
        b"content-type: text/plain\ncontent-length: %d\n\n%s" % (len(arguments), arguments)
    )

    def call(connection: socket, _address: object) -> None:
        connection.sendall(b"connect\n\n")
        data = b""
        while b"\n\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        connection.sendall(bridge)
        while connection.recv(65536):
            pass

    server = StreamServer(("127.0.0.1", port), call)
    server.start()
    print("listening", flush=True)
    gevent.spawn(FileObject(sys.stdin.buffer, "rb").read).join()
    server.stop(timeout=1)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
