"""Free ports on 127.0.0.1 that stay free: reserved across processes until they are released."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import struct
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from bizpbx.testbed.world import TestbedError

LOWEST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
ATTEMPTS = 500


class Ports:
    """Reserves ports below the range the kernel hands out by itself, so that no passing connection takes one.

    A reservation is a byte-range lock in one file shared by every test process of the user: it ends with `close`, or
    with the process. Each port is also tried for UDP and TCP, for the sake of programs that do not ask here.
    """

    def __init__(self, lock_file: Path | None = None) -> None:
        path = lock_file or Path(tempfile.gettempdir()) / f"bizpbx-ports-{os.getuid()}"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._taken: set[int] = set()

    def one(self) -> int:
        """A free port."""
        return self.block(1)

    def block(self, count: int) -> int:
        """The first of `count` free ports in a row, an even one. Raises TestbedError if there are none."""
        for _ in range(ATTEMPTS):
            first = random.randrange(LOWEST, highest() - count, 2)  # noqa: S311 — nothing secret
            wanted = range(first, first + count)
            if self._taken.isdisjoint(wanted) and self._lock(first, count, fcntl.F_WRLCK):
                if all(map(is_free, wanted)):
                    self._taken.update(wanted)
                    return first
                self._lock(first, count, fcntl.F_UNLCK)
        raise TestbedError(f"There are no {count} free ports in a row on 127.0.0.1; end other tests first.")

    def release(self, first: int, count: int = 1) -> None:
        """Give ports back. Their program must have ended."""
        self._taken.difference_update(range(first, first + count))
        self._lock(first, count, fcntl.F_UNLCK)

    def close(self) -> None:
        """Give all of them back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self, first: int, count: int, kind: int) -> bool:
        # struct flock with an open-file-description lock: two instances in one process exclude each other, too.
        request = struct.pack("hhqqi4x", kind, os.SEEK_SET, first, count, 0)
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, request)
        except OSError:
            return False
        return True


def highest() -> int:
    """First port of the range that the kernel hands out by itself."""
    try:
        low = int(EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        low = 0
    return low if low >= LOWEST + 5_000 else 32_768


def is_free(port: int) -> bool:
    """Whether a program could listen on this port now, for UDP and for TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
